import { setImmediate as turn } from 'node:timers/promises';
import { memoryHistory, type HistoryStore } from '../../lib/history/index.js';
import type { Random } from '../support/random.js';

/**
 * A store that several nodes share. Each node has a connection of its own, whose commands take effect in order, each after a
 * random delay, as those of a broker do.
 */
export class SlowStore {
  readonly memory = memoryHistory();
  /** While set, no command of any connection is executed. */
  private stalled: Promise<void> | undefined;
  private resumeNow: (() => void) | undefined;
  private readonly connections: (() => Promise<unknown>)[] = [];
  /** Whether appends fail. */
  isFailing = false;

  constructor(
    private readonly random: Random,
    /**
     * The maximum delay of a command, in turns of the event loop: milliseconds of a slow machine would add up to more than a join
     * waits for the store.
     */
    private readonly delay: number,
  ) {}

  stall(): void {
    this.stalled = new Promise((resolve) => (this.resumeNow = resolve));
  }

  resume(): void {
    this.resumeNow?.();
    this.stalled = undefined;
  }

  /** Resolves when all commands so far were executed. */
  async settled(): Promise<void> {
    await Promise.all(this.connections.map((last) => last()));
  }

  /** Returns the store for one node. */
  connect(): HistoryStore {
    const { memory } = this;
    let last: Promise<unknown> = Promise.resolve();
    const run = <Result>(command: () => Result | Promise<Result>): Promise<Result> => {
      const result = last.then(async () => {
        const turns = this.random.chance(0.5) ? this.random.below(this.delay) : 0;
        for (let count = 0; count < turns; count++) await turn();
        await this.stalled;
        return command();
      });
      last = result.catch(() => undefined);
      return result;
    };
    this.connections.push(() => last);
    return {
      isShared: true,
      append: (...args) =>
        run(() => {
          if (this.isFailing) throw new Error('the store is away');
          return memory.append(...args);
        }),
      read: (...args) => run(() => memory.read(...args)),
      drop: (...args) => run(() => memory.drop(...args)),
      isId: (text) => memory.isId(text),
      isLater: (id, than) => memory.isLater(id, than),
      close: () => memory.close!(),
    };
  }
}
