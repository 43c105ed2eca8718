type Step = () => unknown;

/** A collected test, with its hooks. */
export interface Check {
  name: string;
  run(): Promise<void>;
}

interface Scope {
  names: string[];
  before: Step[];
  after: Step[];
}

/** Milliseconds. Some checks wait five seconds before they fail. */
const TIMEOUT = 20_000;

/**
 * Collects the tests that a function declares, in place of Jest, so that a test can run them and expect some of them to
 * fail. `beforeAll` and `afterAll` run around each one.
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
    // hooks that are declared after a test run around it as well
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
  const originals = Object.fromEntries(Object.keys(ours).map((name) => [name, globals[name]]));
  Object.assign(globals, ours);
  try {
    declare();
  } finally {
    Object.assign(globals, originals);
  }
  return checks;
}

/** Implements Jest's `each`: `%s` and `%d` are replaced by the row's values. */
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
    const timer = setTimeout(() => reject(new Error(`not within ${TIMEOUT} ms`)), TIMEOUT);
    end = () => clearTimeout(timer);
  });
  return { passed, end };
}
