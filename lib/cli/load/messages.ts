import { RequestError } from '../../client/node.js';
import { describe, type Clients } from './clients.js';
import { ErrorCounts } from './error-counts.js';
import { Latencies } from './latencies.js';
import { runOnSchedule, type Schedule } from './schedule.js';

/** What each client sends. */
interface LoadMessage {
  readonly event: string;
  readonly data: unknown;
  /** Whether the message asks for an answer. */
  readonly isRequest: boolean;
}

/** The messages of a load test, and what came of them. */
export class Messages {
  /** From the time at which a message was to be sent: what a user would have waited for. */
  readonly latencies = new Latencies();
  /** From the time at which it was sent. */
  readonly serverTimes = new Latencies();
  /** How late messages were sent. */
  readonly sendDelays = new Latencies();
  readonly failures = new ErrorCounts();
  sent = 0;
  answered = 0;
  /** Requests that the server answered with an exception. */
  refused = 0;
  /** Requests that ended without an answer. */
  unanswered = 0;
  #inFlight = 0;
  #whenAnswered: (() => void) | undefined;

  constructor(
    private readonly clients: Clients,
    private readonly message: LoadMessage,
  ) {}

  /** Sends messages at a constant rate. Resolves when all have their answer, or have timed out. */
  async send(schedule: Schedule, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    await runOnSchedule(
      schedule,
      (_index, planned) => {
        if (!this.#send(planned)) abort();
      },
      stop.signal,
    );
    if (this.#inFlight > 0 && !signal.aborted)
      await new Promise<void>((resolve) => {
        this.#whenAnswered = resolve;
        signal.addEventListener('abort', () => resolve());
      });
    signal.removeEventListener('abort', abort);
  }

  /** @returns whether a client was there to send it */
  #send(planned: number): boolean {
    const connection = this.clients.next();
    if (connection === undefined) return false;
    const { event, data, isRequest } = this.message;
    const args = data === undefined ? [] : [data];
    const start = performance.now();
    this.sendDelays.record(start - planned);
    this.sent++;
    if (isRequest) {
      this.#inFlight++;
      void this.#settle(connection.socket.emitWithAck(event, ...args), planned, start);
    } else connection.socket.emit(event, ...args);
    return true;
  }

  async #settle(answer: Promise<unknown>, planned: number, start: number): Promise<void> {
    let error: unknown;
    await answer.catch((reason: unknown) => (error = reason));
    const now = performance.now();
    if (error instanceof RequestError) {
      this.refused++;
      this.failures.add(describe(error.data));
    } else {
      if (error === undefined) this.answered++;
      else {
        this.unanswered++;
        this.failures.add((error as Error).message);
      }
      // a request without an answer took at least this long; without it slow servers would look fast
      this.latencies.record(now - planned);
      this.serverTimes.record(now - start);
    }
    if (--this.#inFlight === 0) this.#whenAnswered?.();
  }
}
