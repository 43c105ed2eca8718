type Step = () => unknown;

/** A test that was collected, with all that is to run around it. */
export interface Check {
  name: string;
  run(): Promise<void>;
}

interface Scope {
  names: string[];
  before: Step[];
  after: Step[];
}

/** Milliseconds. Some checks wait for five seconds by themselves before they fail. */
const PATIENCE = 20_000;

/**
 * Collects the tests that a function declares, in the place of Jest, so that a test can run them and expect some of them to fail.
 * `beforeAll` and `afterAll` run around each one.
 */
export function collect(declare: () => void): Check[] {
  const checks: Check[] = [];
  let scope: Scope = { names: [], before: [], after: [] };
  const describe = (name: string, body: () => void): void => {
    const outer = scope;
    scope = { names: [...outer.names, name], before: [...outer.before], after: [...outer.after] };
    body();
    scope = outer;
  };
  const it = (name: string, body: Step): void => {
    // what is declared behind a test runs around it as well
    const own = scope;
    checks.push({
      name: [...own.names, name].join(' › '),
      run: () => runAll([...own.before, body], [...own.after].reverse()),
    });
  };
  const before = (step: Step): void => void scope.before.push(step);
  const after = (step: Step): void => void scope.after.push(step);
  const ours: Record<string, unknown> = {
    describe: Object.assign(describe, { each: each(describe) }),
    it: Object.assign(it, {
      each: each(it),
      skip: Object.assign(() => undefined, { each: () => () => undefined }),
    }),
    beforeAll: before,
    beforeEach: before,
    afterAll: after,
    afterEach: after,
  };
  const globals = globalThis as unknown as Record<string, unknown>;
  const jests = Object.fromEntries(Object.keys(ours).map((name) => [name, globals[name]]));
  Object.assign(globals, ours);
  try {
    declare();
  } finally {
    Object.assign(globals, jests);
  }
  return checks;
}

/** Jest's tables: `%s` and `%d` are the row's values. */
function each(declare: (name: string, body: () => void) => void) {
  return (rows: readonly unknown[]) => (name: string, body: (...row: unknown[]) => void) => {
    for (const given of rows) {
      const row = Array.isArray(given) ? (given as unknown[]) : [given];
      let index = 0;
      const title = name.replace(/%[sdj]/g, () => String(row[index++]));
      declare(title, () => body(...row));
    }
  };
}

async function runAll(steps: Step[], after: Step[]): Promise<void> {
  const timeout = deadline();
  try {
    for (const step of steps) await Promise.race([step(), timeout.passed]);
  } finally {
    timeout.end();
    for (const step of after) await step();
  }
}

function deadline(): { passed: Promise<never>; end(): void } {
  let end!: () => void;
  const passed = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`not within ${PATIENCE} ms`)), PATIENCE);
    end = () => clearTimeout(timer);
  });
  return { passed, end };
}
