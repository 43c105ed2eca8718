import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { ConnectError } from '../client/errors.js';
import { Connection, type ConnectionState } from '../client/connection.js';
import type { Frame } from '../client/message.js';
import { NodeSocket, telling } from '../client/node-web-socket.js';
import { toWebSocketUrl } from '../client/connect.js';
import { withDefaults, type ClientOptions } from '../client/options.js';
import { textOfPattern } from '../protocol/microservice-packet.js';
import { writePayload } from '../protocol/payload.js';
import { isRecordLike, refuse } from '../protocol/refuse.js';

/** What `ClientProxy` has no use for: it connects when it is used, and RxJS has `timeout`. */
type Unused = 'autoConnect' | 'ackTimeout' | 'maxQueued';

/** Options of {@link EnvelopeClient}: its address, and those of `connect` of `nestjs-envelope/client`. */
export interface EnvelopeClientOptions extends Omit<ClientOptions, Unused> {
  /** `ws:`, `wss:`, `http:` or `https:`. */
  url: string | URL;
  /**
   * Asked for each message and event: what travels beside the payload. `() => ({ traceparent: messageContext()?.traceparent })`
   * hands a trace on, and so does `traceMetadata` of `nestjs-envelope/opentelemetry`. Default: nothing.
   */
  metadata?: () => Readonly<Record<string, unknown>>;
}

/** What `EnvelopeClient.status` tells. */
export type EnvelopeClientStatus = 'connected' | 'disconnected' | 'reconnecting';

interface Answer extends Frame {
  readonly kind?: unknown;
  readonly payload?: unknown;
}

type Waiting = (packet: WritePacket) => void;

/**
 * Calls the handlers of another Nest service that has an {@link EnvelopeTransport}.
 *
 * @example
 * ClientsModule.register([{ name: 'USERS', customClass: EnvelopeClient, options: { url: 'http://users:3000' } }])
 */
export class EnvelopeClient extends ClientProxy {
  private readonly connection: Connection;
  /** Who waits for answers, by the id of what they asked. */
  private readonly waiting = new Map<unknown, Waiting>();
  private ids = 0;
  private readonly metadata: EnvelopeClientOptions['metadata'];
  /** Why the last attempt has failed, until there is a line. */
  private refusal: Error | undefined;
  private opening: { resolve: () => void; reject: (error: Error) => void }[] = [];

  /**
   * @throws TypeError that names the option, where there is no `url`, it is not the URL of a WebSocket, or another option is
   * unknown or malformed
   */
  constructor(options: EnvelopeClientOptions) {
    super();
    const name = EnvelopeClient.name;
    if (!isRecordLike(options)) refuse(name, 'options', options, "an object, { url: 'ws://users:3000' }");
    const { url, metadata, ...rest } = options;
    if (metadata !== undefined && typeof metadata !== 'function')
      refuse(name, 'metadata', metadata, 'a function, () => ({ traceparent })');
    this.metadata = metadata;
    const address = toWebSocketUrl(url, name);
    const given = withDefaults(rest, NodeSocket, name);
    const settings = { ...given, WebSocket: telling(given.WebSocket) };
    this.connection = new Connection(address, settings, {
      turned: () => undefined,
      opened: () => this.opened(),
      took: (frame) => this.took(frame),
      lost: (ending, willReconnect) =>
        this.lost(new Error(`the line is gone: ${ending.reason || ending.code}`), willReconnect),
      failed: (error) => this.failed(error),
    });
  }

  /**
   * Resolves when there is a line. After a failed attempt the client pauses, as long as the server asks it to, and what is
   * sent meanwhile fails at once.
   *
   * @throws (rejects) ConnectError where this attempt fails, or the last one has
   */
  connect(): Promise<void> {
    if (this.state === 'open') return Promise.resolve();
    if (this.state === 'waiting' && this.refusal !== undefined) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => {
      this.opening.push({ resolve, reject });
      this.connection.start();
    });
  }

  /** Says goodbye; what waits for an answer fails. */
  close(): void {
    const before = this.state;
    this.connection.stop();
    if (before !== 'open') this.lost(new Error('the client was closed'), false);
  }

  /** The connection is this client's own. */
  unwrap<Unwrapped>(): Unwrapped {
    throw new Error('EnvelopeClient has nothing to unwrap: see its status');
  }

  protected publish(packet: ReadPacket, callback: Waiting): () => void {
    const id = ++this.ids;
    if (!this.say('message', packet, id)) {
      callback({ err: new Error('there is no line'), isDisposed: true });
      return () => undefined;
    }
    this.waiting.set(id, callback);
    return () => {
      if (this.waiting.delete(id)) this.connection.send(JSON.stringify({ event: '$cancel', data: id }));
    };
  }

  protected async dispatchEvent<Result>(packet: ReadPacket): Promise<Result> {
    if (!this.say('event', packet)) throw new Error('there is no line');
    return undefined as Result;
  }

  private get state(): ConnectionState {
    return this.connection.state;
  }

  private say(kind: 'message' | 'event', { pattern, data, ...more }: ReadPacket, id?: number): boolean {
    // Nest 12's dispatch hook writes it on the packet
    const metadata = { ...this.metadata?.(), ...(more as { metadata?: object }).metadata };
    const packet = { kind, pattern, payload: data, metadata, id };
    return this.connection.send(writePayload(data, textOfPattern(pattern), 'payload', packet)!);
  }

  private tell(status: EnvelopeClientStatus): void {
    this._status$.next(status);
  }

  private opened(): void {
    this.refusal = undefined;
    this.tell('connected');
    for (const { resolve } of this.opening.splice(0)) resolve();
  }

  private took({ kind, payload, id, event, data, ack, more }: Answer): void {
    const key = kind === undefined ? ack : id;
    const callback = this.waiting.get(key);
    if (callback === undefined) return;
    const isLast = more !== true;
    if (isLast) this.waiting.delete(key);
    // what a limit refuses is told in the envelope's words
    if (kind === 'error' || event === 'exception')
      callback({ err: (payload ?? data) || { status: 'error' }, isDisposed: true });
    else callback({ response: payload, isDisposed: isLast });
  }

  private lost(error: Error, willReconnect: boolean): void {
    this.tell(willReconnect ? 'reconnecting' : 'disconnected');
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    // whoever hears of it may ask anew at once: that one waits for the next attempt
    const opening = this.opening.splice(0);
    for (const callback of waiting) callback({ err: error, isDisposed: true });
    for (const { reject } of opening) reject(error);
  }

  private failed(error: ConnectError): void {
    this.refusal = error;
    this.lost(error, error.willReconnect);
  }
}
