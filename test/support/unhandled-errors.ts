import { EventEmitter } from 'node:events';

const KINDS = ['unhandledRejection', 'uncaughtException'] as const;

/**
 * Jest gives specs a copy of `process`, also as `node:process`, that does not receive these events. A function
 * that is created in Node's realm returns the real one.
 */
const realProcess = new (EventEmitter.constructor as FunctionConstructor)(
  'return process',
)() as NodeJS.Process;

/** Collects unhandled rejections and exceptions, which would end a real process. Replaces Jest's listeners. */
export class UnhandledErrors {
  readonly errors: unknown[] = [];
  private readonly others = KINDS.map((kind) => ({ kind, listeners: realProcess.listeners(kind as 'exit') }));
  private readonly collect = (error: unknown): void => void this.errors.push(error);

  constructor() {
    for (const kind of KINDS) {
      realProcess.removeAllListeners(kind);
      realProcess.on(kind as 'exit', this.collect);
    }
  }

  /** Waits a few turns, because Node reports rejections after the promise jobs of a turn. Returns the errors. */
  async stop(): Promise<unknown[]> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const { kind, listeners } of this.others) {
      realProcess.off(kind, this.collect);
      for (const listener of listeners) realProcess.on(kind as 'exit', listener);
    }
    return this.errors;
  }
}

/** The collector of the current test. Spec files that share a process run their hooks for each other's tests. */
let shared: { collector: UnhandledErrors; hooks: number } | undefined;

/** Fails each test of the file with an unhandled rejection or exception. */
export function expectNoUnhandledErrors(): void {
  beforeEach(() => {
    shared ??= { collector: new UnhandledErrors(), hooks: 0 };
    shared.hooks++;
  });
  afterEach(async () => {
    const { collector, hooks } = shared!;
    shared!.hooks = hooks - 1;
    if (hooks > 1) return;
    shared = undefined;
    const errors = await collector.stop();
    if (errors.length > 0) throw new AggregateError(errors, `unhandled: ${errors.map(String).join(', ')}`);
  });
}
