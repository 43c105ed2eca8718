import { discard, isTemporary, retryDelay, type Request } from './http-request.js';
import { Pause } from './pause.js';
import { parseRetryAfter } from './retry-after.js';

/** Bytes of one POST where the server has no limit of its own, and messages of one POST. */
const MAX_BYTES = 1024 * 1024;
const MAX_MESSAGES = 1_000;
/** Milliseconds until a message that was not taken is sent again, where the server does not say when. */
const RETRY_AFTER = 1_000;

/** What is known of a connection over HTTP. Its socket keeps it up to date. */
export interface Line {
  /** What authorises the requests of this connection. `undefined` until the server has sent it. */
  key: string | undefined;
  /** The number of messages that arrived. */
  received: number;
  /** Milliseconds for an answer. All attempts to send the same messages have twice that time. */
  pingTimeout: number;
  /** Bytes of the largest message that the server accepts; 0: any. */
  maxPayload: number;
}

/** Returns the headers of each request of a connection. */
export function headersOf({ key, received }: Line): Readonly<Record<string, string>> {
  return { 'Envelope-Line': key!, 'Envelope-Have': String(received) };
}

/** Hears that no further message can be sent. */
interface SenderOwner {
  /** The server refused a request with this status. */
  refused(status: number): void;
  /** The server cannot be reached. */
  lost(reason: string): void;
}

/** Sends messages to the server in numbered POSTs: one at a time, each until the server has taken it. */
export class HttpSender {
  /** Characters that wait, or are on their way. */
  buffered = 0;
  #waiting: string[] = [];
  #number = 0;
  /** The last number that the server has taken. */
  #taken = 0;
  #run: Promise<void> | undefined;
  #isStopped = false;
  /** Whether the server got a sign of life since its last beat. */
  #hasSent = false;
  #post: AbortController | undefined;
  readonly #pause = new Pause();
  readonly #request: Request;
  readonly #line: Line;
  readonly #owner: SenderOwner;

  constructor(request: Request, line: Line, owner: SenderOwner) {
    this.#request = request;
    this.#line = line;
    this.#owner = owner;
  }

  send(message: string): void {
    this.#waiting.push(message);
    this.buffered += message.length;
    this.#run ??= this.#sendAll();
  }

  /** Sends a sign of life, if nothing else was sent since the last call. */
  async signal(): Promise<void> {
    const isDue = !this.#hasSent && this.#run === undefined;
    this.#hasSent = false;
    if (!isDue) return;
    const response = await this.#attempt({}, '', new AbortController());
    if (response !== undefined && !response.ok && !isTemporary(response.status))
      this.#owner.refused(response.status);
  }

  /** The server has taken the POSTs up to this number: the answer of the last one may be lost. */
  taken(number: number): void {
    if (!(number > this.#taken && number <= this.#number)) return;
    this.#taken = number;
    if (number < this.#number) return;
    this.#post?.abort();
    this.#pause.end();
  }

  /** Waits until everything is sent, but not for longer than that time, and sends nothing more. */
  async finish(timeout: number): Promise<void> {
    const timer = setTimeout(() => this.stop(), timeout);
    await this.#run;
    clearTimeout(timer);
    this.stop();
  }

  stop(): void {
    this.#isStopped = true;
    this.#post?.abort();
    this.#pause.end();
  }

  async #sendAll(): Promise<void> {
    // what the application sends in one turn goes into one POST
    await Promise.resolve();
    while (this.#waiting.length > 0 && !this.#isStopped) {
      const messages = this.#next();
      await this.#deliver(++this.#number, `${messages.join('\n')}\n`);
      for (const { length } of messages) this.buffered -= length;
    }
    this.#run = undefined;
  }

  /** Returns the messages of the next POST: one at least. */
  #next(): string[] {
    const encoder = new TextEncoder();
    const limit = this.#line.maxPayload || MAX_BYTES;
    let bytes = 0;
    const end = this.#waiting.findIndex((message, index) => {
      bytes += encoder.encode(message).length;
      return index > 0 && (bytes > limit || index >= MAX_MESSAGES);
    });
    return this.#waiting.splice(0, end < 0 ? Infinity : end);
  }

  /** Sends the same messages under the same number until the server has taken them: it does nothing twice. */
  async #deliver(number: number, body: string): Promise<void> {
    const { pingTimeout } = this.#line;
    let deadline = performance.now() + 2 * pingTimeout;
    const headers = { 'Envelope-Seq': String(number), 'Content-Type': 'application/x-ndjson' };
    for (let failures = 0; this.#taken < number && !this.#isStopped; failures++) {
      this.#hasSent = true;
      this.#post = new AbortController();
      const response = await this.#attempt(headers, body, this.#post);
      if (this.#taken >= number || this.#isStopped) return;
      const status = response?.status;
      if (response?.ok === true) this.#taken = number;
      else if (status !== undefined && !isTemporary(status)) return this.#owner.refused(status);
      else if (status === 429) {
        const delay = parseRetryAfter(response!.headers.get('Retry-After')) ?? RETRY_AFTER;
        // the server is there
        deadline = performance.now() + delay + 2 * pingTimeout;
        await this.#pause.wait(delay);
      } else if (performance.now() > deadline)
        return this.#owner.lost(`messages cannot be sent: ${status ?? 'no answer'}`);
      else await this.#pause.wait(retryDelay(failures));
    }
  }

  /** @returns `undefined` if there was no answer in time */
  async #attempt(
    headers: Readonly<Record<string, string>>,
    body: string,
    abort: AbortController,
  ): Promise<Response | undefined> {
    const timer = setTimeout(() => abort.abort(), this.#line.pingTimeout);
    try {
      const { signal } = abort;
      const response = await this.#request(
        'send',
        { ...headersOf(this.#line), ...headers },
        { body, signal },
      );
      discard(response);
      return response;
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}
