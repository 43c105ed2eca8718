import { WebSocket, type ClientOptions } from 'ws';
import type { Untyped } from '../protocol/typed-events.js';

export interface ConnectOptions extends ClientOptions {
  protocols?: string[];
  port?: number;
  /** The timeout of all its waits in milliseconds. Default: 5,000. */
  timeout?: number;
}

/** One received message. */
export interface Received {
  event?: string;
  data?: Untyped;
  id?: string | number;
  ack?: string | number;
  more?: true;
}

const TIMEOUT = 5_000;

/** Waits for conditions. Checks them at each `notify`, and rejects after the timeout. */
export class Waiter {
  private readonly checks = new Set<() => void>();

  constructor(private readonly timeout: number) {}

  notify(): void {
    for (const check of [...this.checks]) check();
  }

  until<Found>(what: string, look: () => Found | undefined): Promise<Found> {
    const trace = new Error(`${what} did not come within ${this.timeout} ms`);
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.checks.delete(check);
      };
      const check = (): void => {
        const found = look();
        if (found === undefined) return;
        finish();
        resolve(found);
      };
      const timer = setTimeout(() => {
        finish();
        reject(trace);
      }, this.timeout);
      this.checks.add(check);
      check();
    });
  }
}

/** Opens the client's end of a connection. */
export type Connect = (url: string, protocols: string[], options: ClientOptions) => WebSocket;

const openWebSocket: Connect = (url, protocols, options) => new WebSocket(url, protocols, options);

/** A bare WebSocket client that keeps all received messages. */
export class BareClient {
  readonly ws: WebSocket;
  /** All received messages, in order. */
  readonly frames: Received[] = [];
  /** The close code and reason, after the close. */
  closed: { code: number; reason: string } | undefined;
  private taken = new Set<Received>();
  private readonly waiter: Waiter;
  private failure: Error | undefined;

  /** @param connect opens the WebSocket; another transport may be given */
  constructor(
    url: string,
    { protocols, port: _, timeout = TIMEOUT, ...options }: ConnectOptions = {},
    connect: Connect = openWebSocket,
  ) {
    this.waiter = new Waiter(timeout);
    this.ws = connect(url, protocols ?? [], options);
    this.ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)) as Received);
      this.waiter.notify();
    });
    this.ws.on('open', () => this.waiter.notify());
    this.ws.on('error', (error) => {
      this.failure = error;
      this.waiter.notify();
    });
    this.ws.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.waiter.notify();
    });
  }

  async opened(): Promise<void> {
    await this.waiter.until(
      'open',
      () => (this.failure ?? this.ws.readyState === WebSocket.OPEN) || undefined,
    );
    if (this.failure) throw this.failure;
  }

  /** Sends a message: an object as JSON, a string or a buffer unchanged. */
  send(message: object | string): void {
    this.ws.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** Resolves with the next message with this event that no earlier call has returned. */
  next(event: string): Promise<Received> {
    return this.take(`"${event}"`, (frame) => frame.event === event);
  }

  /** Resolves with the next response to this id that no earlier call has returned. */
  answer(id: string | number): Promise<Received> {
    return this.take(`the answer to ${JSON.stringify(id)}`, (frame) => frame.ack === id);
  }

  /** Sends a request. Resolves with its response. */
  ask(event: string, data?: unknown, id: string | number = `ask-${Math.random()}`): Promise<Received> {
    this.send({ event, ...(data === undefined ? {} : { data }), id });
    return this.answer(id);
  }

  /**
   * Resolves when the server has handled all earlier messages: it handles the messages of one client in order. The
   * second round trip is for handlers, which respond some promise jobs after their call. Its response stays in
   * `frames`.
   */
  async settled(): Promise<void> {
    const first = await this.ask('$ping');
    this.frames.splice(this.frames.indexOf(first), 1);
    await this.ask('$ping');
  }

  /** Resolves with the close code and reason. */
  ended(): Promise<{ code: number; reason: string }> {
    return this.waiter.until('close', () => this.closed);
  }

  /** Resolves when the condition holds. Checks it at each received message. */
  until(what: string, condition: () => boolean): Promise<unknown> {
    return this.waiter.until(what, () => condition() || undefined);
  }

  close(code?: number, reason?: string): void {
    this.ws.close(code, reason);
  }

  private take(what: string, matches: (frame: Received) => boolean): Promise<Received> {
    return this.waiter.until(what, () => {
      const frame = this.frames.find((candidate) => !this.taken.has(candidate) && matches(candidate));
      if (frame !== undefined) this.taken.add(frame);
      return frame;
    });
  }
}
