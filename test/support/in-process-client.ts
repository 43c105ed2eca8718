import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { CLOSED, CONNECTING, OPEN, type ReadyState } from '../../lib/server/transport/ready-state.js';

/** The server's end, as the client's end sees it. */
export interface ServerEnd {
  received(data: Buffer, isBinary: boolean): void;
  pinged(data: Buffer): void;
  ponged(data: Buffer): void;
  ended(code: number, reason: string): void;
}

/** The client's end of an in-process connection, with the part of the interface of `ws` that the tests use. */
export class InProcessClient extends EventEmitter {
  readyState: ReadyState = CONNECTING;
  protocol = '';
  readonly extensions = '';
  /** Called when the client disconnects before it is accepted. */
  abandon: () => void = () => undefined;
  private connection: ServerEnd | undefined;
  private fragments: Buffer[] = [];

  constructor(
    private readonly hasOffered: boolean,
    private readonly autoPong: boolean,
  ) {
    super();
  }

  send(data: Buffer | string, options: { binary?: boolean; fin?: boolean } | (() => void) = {}): void {
    const { binary = typeof data !== 'string', fin = true } = typeof options === 'object' ? options : {};
    this.fragments.push(Buffer.from(data));
    if (!fin) return;
    const whole = Buffer.concat(this.fragments.splice(0));
    setImmediate(() => this.connection!.received(whole, binary));
  }
  ping(data: Buffer | string = ''): void {
    setImmediate(() => this.connection!.pinged(Buffer.from(data)));
  }
  close(code = 1005, reason = ''): void {
    if (this.connection === undefined) return this.terminate();
    setImmediate(() => this.connection!.ended(code, reason));
    this.ended(code, reason);
  }
  terminate(): void {
    if (this.connection === undefined) this.abandon();
    else setImmediate(() => this.connection!.ended(1006, ''));
    this.ended(1006, '');
  }

  // called by the server

  opened(connection: ServerEnd, protocol: string): void {
    this.connection = connection;
    this.protocol = protocol;
    this.readyState = OPEN;
    // like a browser, a client fails a connection when none of its names was selected
    const isFailed = this.hasOffered && protocol === '';
    setImmediate(() => (isFailed ? this.fail(new Error('Server sent no subprotocol')) : this.emit('open')));
  }
  private fail(error: Error): void {
    this.terminate();
    this.emit('error', error);
  }
  refused(statusCode: number, body: unknown): void {
    if (this.readyState !== 0) return;
    this.readyState = CLOSED;
    const response = Object.assign(Readable.from([JSON.stringify(body)]), { statusCode });
    setImmediate(() => this.emit('unexpected-response', {}, response));
  }
  receive(payload: Buffer | string): void {
    setImmediate(() => this.readyState === OPEN && this.emit('message', Buffer.from(payload)));
  }
  pinged(data: Buffer): void {
    setImmediate(() => {
      this.emit('ping', data);
      if (this.autoPong) this.connection!.ponged(data);
    });
  }
  ponged(data: Buffer): void {
    setImmediate(() => this.emit('pong', data));
  }
  ended(code: number, reason: string): void {
    setImmediate(() => {
      if (this.readyState === CLOSED) return;
      this.readyState = CLOSED;
      this.emit('close', code, Buffer.from(reason));
    });
  }
}
