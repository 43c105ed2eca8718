import type { ClientSocket, Untyped } from '../../client/node.js';
import { openConnection, type CliConnection, type Target } from '../connection/open-connection.js';
import { describeException } from '../describe-exception.js';
import { ErrorCounts } from './error-counts.js';
import { Latencies } from './latencies.js';
import { runOnSchedule } from './schedule.js';

/** Characters of an exception that tell its kind. */
const MAX_MESSAGE = 200;

/** The clients of a load test. */
export class Clients {
  readonly connectTimes = new Latencies();
  readonly failures = new ErrorCounts();
  /** Exceptions that answer no request. */
  readonly exceptions = new ErrorCounts();
  /** The number of clients that the server, or the network, disconnected. */
  lost = 0;
  opened = 0;
  /** The number of events that the clients received, without answers. */
  received = 0;
  readonly #open: CliConnection[] = [];
  #turn = 0;

  constructor(
    private readonly target: Target,
    private readonly signal: AbortSignal,
  ) {}

  /** The number of open connections. */
  get size(): number {
    return this.#open.length;
  }

  /**
   * Opens connections at a constant rate. Resolves when each is open or has failed.
   *
   * @param rate how many in a second
   */
  async open(count: number, rate: number): Promise<void> {
    const attempts: Promise<void>[] = [];
    await runOnSchedule(
      { total: count, rate },
      (_index, planned) => attempts.push(this.#openOne(planned)),
      this.signal,
    );
    await Promise.all(attempts);
  }

  /** Returns one open connection after the other; `undefined` if there are none. */
  next(): CliConnection | undefined {
    this.#turn = this.#turn + 1 < this.#open.length ? this.#turn + 1 : 0;
    return this.#open[this.#turn];
  }

  /** Resolves when the server has received all that was sent. */
  async roundTrips(): Promise<void> {
    await Promise.all(this.#open.map((connection) => connection.roundTrip()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((connection) => connection.close()));
  }

  async #openOne(planned: number): Promise<void> {
    const prepare = (socket: ClientSocket): void => {
      socket.onAny(() => this.received++);
      socket.on('exception', (exception: Untyped) => this.exceptions.add(describe(exception)));
    };
    let connection: CliConnection;
    try {
      connection = await openConnection(this.target, this.signal, { prepare });
    } catch (error) {
      if (!this.signal.aborted) this.failures.add((error as Error).message);
      return;
    }
    this.connectTimes.record(performance.now() - planned);
    this.opened++;
    this.#open.push(connection);
    void connection.lost.then(({ code, reason }) => {
      this.lost++;
      this.failures.add(`connection lost: ${code} ${reason}`.trim());
      this.#open.splice(this.#open.indexOf(connection), 1);
    });
  }
}

/** Returns the code and the message of an exception, which many clients have in common. */
export function describe(exception: unknown): string {
  const { code } = Object(exception) as { code?: unknown };
  const text = describeException(exception).slice(0, MAX_MESSAGE);
  return typeof code === 'string' ? `${code.slice(0, MAX_MESSAGE)}: ${text}` : text;
}
