import { EventEmitter } from 'node:events';

const KINDS = ['unhandledRejection', 'uncaughtException'] as const;

/**
 * Jest gives specs a copy of `process`, under `node:process` too, that hears nothing of these events. A function
 * made by Node's own realm sees the real one.
 */
const realProcess = new (EventEmitter.constructor as FunctionConstructor)(
  'return process',
)() as NodeJS.Process;

/** What ends a real process: rejections and exceptions that nobody took. Collected instead of Jest's own listeners. */
export class UnhandledErrors {
  readonly errors: unknown[] = [];
  private readonly others = KINDS.map((kind) => ({ kind, listeners: realProcess.listeners(kind as 'exit') }));
  private readonly take = (error: unknown): void => void this.errors.push(error);

  constructor() {
    for (const kind of KINDS) {
      realProcess.removeAllListeners(kind);
      realProcess.on(kind as 'exit', this.take);
    }
  }

  /** Rejections are told of when the promise jobs of a turn are through. */
  async stop(): Promise<unknown[]> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const { kind, listeners } of this.others) {
      realProcess.off(kind, this.take);
      for (const listener of listeners) realProcess.on(kind as 'exit', listener);
    }
    return this.errors;
  }
}

/** Of the test that runs. Spec files that share a process hang their hooks on each other's tests. */
let shared: { collector: UnhandledErrors; hooks: number } | undefined;

/** Fails every test of the file in which a rejection or an exception strayed. */
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
