import { readMessage } from '../../client/message.js';
import type { WireListener } from '../connection/cli-web-socket.js';
import type { Format, Output } from '../output.js';
import { roundTime, timeOfDay } from '../time.js';

/** Characters of one message that are shown to a person. */
const MAX_SHOWN = 10_000;
/** Shorter secrets would also hide other parts of a message. */
const MIN_SECRET = 6;

/** A request without a final answer. */
interface PendingRequest {
  /** When it was sent. */
  readonly start: number;
  /** Whether values of a stream have arrived. */
  hasValues: boolean;
}

type Direction = 'sent' | 'received';

/** Prints the messages of a connection with their times, and tells which requests are not answered yet. */
export class FrameLog implements WireListener {
  /** The requests without a final answer, by id. */
  readonly #pending = new Map<string, PendingRequest>();
  #whenIdle: (() => void)[] = [];
  readonly #secrets: readonly string[];
  /** Whether the server refused something that was sent. */
  hasFailed = false;

  /** @param secrets texts that are not printed */
  constructor(
    private readonly output: Output,
    secrets: readonly string[],
  ) {
    this.#secrets = secrets.filter((secret) => secret.length >= MIN_SECRET);
  }

  sent(text: string): void {
    const { id } = readMessage(text);
    if (id !== undefined)
      this.#pending.set(JSON.stringify(id), { start: performance.now(), hasValues: false });
    this.#show('sent', text);
  }

  received(text: string): void {
    const { event, ack, more } = readMessage(text);
    const key = JSON.stringify(ack);
    const request = ack === undefined ? undefined : this.#pending.get(key);
    if (event === 'exception') this.hasFailed = true;
    this.#show('received', text, request && performance.now() - request.start, event);
    if (request === undefined) return;
    request.hasValues = true;
    if (more === true) return;
    this.#pending.delete(key);
    this.#checkIdle();
  }

  /** The number of requests to which nothing came. */
  get unanswered(): number {
    return [...this.#pending.values()].filter(({ hasValues }) => !hasValues).length;
  }

  /** Forgets the requests of a connection that has ended. */
  forget(): void {
    this.#pending.clear();
    this.#checkIdle();
  }

  /** Resolves when all requests have their final answer. */
  async idle(): Promise<void> {
    if (this.#pending.size > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #checkIdle(): void {
    if (this.#pending.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #show(direction: Direction, message: string, elapsed?: number, event?: string): void {
    const date = new Date();
    let text = message;
    for (const secret of this.#secrets) text = text.replaceAll(secret, '***');
    const ms = elapsed === undefined ? undefined : roundTime(elapsed);
    if (this.output.isJson) {
      this.output.json({ type: direction, time: date.toISOString(), message: parse(text), ms });
      return;
    }
    const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)` : text;
    this.output.print(
      ['dim', `${timeOfDay(date)} `],
      [formatOf(direction, event), `${direction === 'sent' ? '>' : '<'} `],
      shown,
      ['dim', ms === undefined ? '' : `  (${ms} ms)`],
    );
  }
}

function formatOf(direction: Direction, event: string | undefined): Format {
  if (direction === 'sent') return 'cyan';
  return event === 'exception' ? 'red' : 'green';
}

/** A text that is not JSON stands for itself. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
