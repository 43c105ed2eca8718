/** One check of a server or a client. */
export interface Check {
  /** The groups and the name, joined by ` › `. */
  readonly name: string;
  /** The rules of PROTOCOL.md that it checks. */
  readonly rules: readonly string[];
  /** Why it cannot run against this subject; `undefined`: it can. */
  readonly skipped: string | undefined;
  /** Runs the check with its hooks. Rejects with what is wrong. */
  run(): Promise<void>;
}

type Step = () => unknown;

/** Declares a check. The name ends with the rules that it checks: `are read in fragments (2.7)`. */
export type Declare = (name: string, body: Step) => void;

/** Declares one check, or one group of checks, for each row. `%s` in the name stands for the next value of the row. */
type Each = <Row extends [unknown, ...unknown[]]>(
  rows: readonly Row[],
) => (name: string, body: (...row: Row) => unknown) => void;

/** Declares the checks of one subject. */
export interface Suite {
  readonly describe: Declare & { readonly each: Each };
  readonly it: Declare & { readonly each: Each };
  /** Returns an `it` whose checks are skipped, if there is a reason. */
  readonly itUnless: (reason: string | undefined) => Suite['it'];
  /** Runs a step before each check of the group, after those of the groups around it. */
  readonly beforeEach: (step: Step) => void;
  /** Runs a step after each check of the group, also after one that failed. The last one that is declared runs first. */
  readonly afterEach: (step: Step) => void;
}

/** Milliseconds. Some checks wait for ten seconds before they fail. */
const TIMEOUT = 20_000;
/** Matches the rules at the end of a name. */
const RULES = / \((\d+\.\d+(?:, \d+\.\d+)*)\)$/;

interface Group {
  readonly names: readonly string[];
  readonly before: Step[];
  readonly after: Step[];
}

/** Collects the checks that a function declares. */
export function collect(declare: (suite: Suite) => void): Check[] {
  const checks: Check[] = [];
  let group: Group = { names: [], before: [], after: [] };
  const describe: Declare = (name, body) => {
    const outer = group;
    group = { names: [...outer.names, name], before: [...outer.before], after: [...outer.after] };
    body();
    group = outer;
  };
  const checkFor =
    (skipped: string | undefined): Declare =>
    (name, body) => {
      // hooks that are declared after a check run around it as well
      const own = group;
      const cited = RULES.exec(name);
      checks.push({
        name: [...own.names, name.replace(RULES, '')].join(' › '),
        rules: cited?.[1]?.split(', ') ?? [],
        skipped,
        run: () => runAll([...own.before, body], [...own.after].reverse()),
      });
    };
  const withEach = (one: Declare): Suite['it'] => Object.assign(one.bind(undefined), { each: each(one) });
  declare({
    describe: withEach(describe),
    it: withEach(checkFor(undefined)),
    itUnless: (reason) => withEach(checkFor(reason)),
    beforeEach: (step) => void group.before.push(step),
    afterEach: (step) => void group.after.push(step),
  });
  return checks;
}

function each(declare: Declare): Each {
  return (rows) => (name, body) => {
    for (const row of rows) {
      let index = 0;
      declare(
        name.replace(/%s/g, () => String(row[index++])),
        () => body(...row),
      );
    }
  };
}

async function runAll(steps: readonly Step[], after: readonly Step[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConformanceError(`it did not end within ${TIMEOUT} ms`)), TIMEOUT);
  });
  try {
    for (const step of steps) await Promise.race([step(), timedOut]);
  } finally {
    clearTimeout(timer);
    for (const step of after) await step();
  }
}

/** What a check found. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}
