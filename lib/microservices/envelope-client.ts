import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { ConnectError } from '../client/connect-error.js';
import { Connection, type ConnectionState } from '../client/connection.js';
import { writeMessage, type Message, type SessionInfo } from '../client/message.js';
import { NodeWebSocket, withRefusal } from '../client/node-web-socket.js';
import { Renewal } from '../client/renewal.js';
import { toWebSocketUrl, withTransports } from '../client/connect.js';
import { withDefaults, type ClientOptions } from '../client/options.js';
import { textOfPattern } from '../protocol/microservice-packet.js';
import { writePayload } from '../protocol/payload.js';
import { isRecordLike, refuse, refuseOption } from '../protocol/refuse.js';
import { DisconnectedError } from '../protocol/disconnected-error.js';
import { RequestError } from '../protocol/request-error.js';
import { withCode } from '../protocol/with-code.js';

/** Options of the client that `ClientProxy` does not need: it connects on first use, and RxJS has `timeout`. */
type Unused = 'autoConnect' | 'ackTimeout' | 'codec' | 'maxQueued';

/** Options of {@link EnvelopeClient}: its own, and those of `connect` of `nestjs-envelope/client`. */
export interface EnvelopeClientOptions extends Omit<ClientOptions, Unused> {
  /** The URL of the service: `ws:`, `wss:`, `http:` or `https:`. */
  url: string | URL;
  /**
   * Called for each message and event. Returns the metadata that is sent beside the payload.
   * `() => ({ traceparent: messageContext()?.traceparent })` propagates a trace, and so does `traceMetadata` of
   * `nestjs-envelope/opentelemetry`. Default: no metadata.
   */
  metadata?: () => Readonly<Record<string, unknown>>;
}

/** Values that `EnvelopeClient.status` emits. */
export type EnvelopeClientStatus = 'connected' | 'disconnected' | 'reconnecting';

interface Answer extends Message {
  readonly kind?: unknown;
  readonly payload?: unknown;
}

type PacketCallback = (packet: WritePacket) => void;

/**
 * Calls the handlers of another Nest service that has an {@link EnvelopeTransport}. It connects on first use and reconnects
 * automatically.
 *
 * @example
 * ClientsModule.register([{ name: 'USERS', customClass: EnvelopeClient, options: { url: 'http://users:3000' } }])
 */
export class EnvelopeClient extends ClientProxy {
  private readonly connection: Connection;
  private readonly renewal: Renewal;
  /** Callbacks of messages that have no final answer yet, by message id. */
  private readonly pending = new Map<unknown, PacketCallback>();
  private ids = 0;
  private readonly metadata: EnvelopeClientOptions['metadata'];
  /** Why the last attempt failed. `undefined` once connected. */
  private lastError: Error | undefined;
  /** Calls of `connect` that wait for the connection. */
  private connecting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  /**
   * @throws TypeError that names the option, if `url` is missing or not the URL of a WebSocket, or another option is unknown or
   * malformed
   */
  constructor(options: EnvelopeClientOptions) {
    super();
    const name = EnvelopeClient.name;
    if (!isRecordLike(options)) refuse(name, 'options', options, "an object, { url: 'ws://users:3000' }");
    const { url, metadata, ...rest } = options;
    if (metadata !== undefined && typeof metadata !== 'function')
      refuseOption(name, 'metadata', metadata, 'a function, () => ({ traceparent })');
    this.metadata = metadata;
    const address = toWebSocketUrl(url, name);
    const settings = withTransports(withDefaults(rest, NodeWebSocket, name), withRefusal);
    this.connection = new Connection(address, settings, {
      stateChanged: () => undefined,
      opened: (session) => this.opened(session),
      received: (message) => this.received(message),
      lost: ({ code, reason }, willReconnect) =>
        this.lost(new DisconnectedError(`connection lost: ${reason || code}`), willReconnect),
      failed: (error) => this.failed(error),
    });
    this.renewal = new Renewal(this.connection, (data) => this.authenticate(data), settings);
  }

  /**
   * Resolves when the client is connected. After a failed attempt the client waits before the next one, for as long as the
   * server's `Retry-After` asks; messages that are sent meanwhile fail immediately.
   *
   * @throws (rejects) ConnectError if this attempt fails, or if the client waits after a failed one
   * @example await users.connect();
   */
  connect(): Promise<void> {
    if (this.state === 'open') return Promise.resolve();
    if (this.state === 'waiting' && this.lastError !== undefined) return Promise.reject(this.lastError);
    return new Promise((resolve, reject) => {
      this.connecting.push({ resolve, reject });
      this.connection.start();
    });
  }

  /** Closes the connection and does not reconnect. Messages without an answer fail. @example users.close(); */
  close(): void {
    const before = this.state;
    this.connection.stop();
    if (before !== 'open') this.lost(new DisconnectedError('the client was closed'), false);
  }

  /**
   * Not supported: the client does not expose its connection. Use `status`.
   *
   * @throws Error always
   * @example users.status.subscribe((status) => console.log(status)); // in its place
   */
  unwrap<Unwrapped>(): Unwrapped {
    throw withCode(
      'ERR_ENVELOPE_UNSUPPORTED',
      new Error('EnvelopeClient.unwrap: the connection is not exposed. Use status instead'),
    );
  }

  /** Sends a message and passes its answers to the callback. Returns a function that cancels it. */
  protected publish(packet: ReadPacket, callback: PacketCallback): () => void {
    const id = ++this.ids;
    if (!this.sendPacket('message', packet, id)) {
      callback({ err: new DisconnectedError('EnvelopeClient: not connected'), isDisposed: true });
      return () => undefined;
    }
    this.pending.set(id, callback);
    return () => {
      if (this.pending.delete(id)) this.connection.send(JSON.stringify({ event: '$cancel', data: id }));
    };
  }

  /** Sends an event. Resolves when it is sent. */
  protected async dispatchEvent<Result>(packet: ReadPacket): Promise<Result> {
    if (!this.sendPacket('event', packet)) throw new DisconnectedError('EnvelopeClient: not connected');
    return undefined as Result;
  }

  private get state(): ConnectionState {
    return this.connection.state;
  }

  private sendPacket(
    kind: 'message' | 'event',
    { pattern, data, ...more }: ReadPacket,
    id?: number,
  ): boolean {
    // the dispatch hook of Nest 12 adds metadata to the packet
    const metadata = { ...this.metadata?.(), ...(more as { metadata?: object }).metadata };
    const packet = { kind, pattern, payload: data, metadata, id };
    return this.connection.send(writePayload(data, textOfPattern(pattern), 'payload', packet)!);
  }

  /** Sends `$auth`. Resolves to the answer. */
  private authenticate(data: unknown): Promise<unknown> {
    const id = ++this.ids;
    return new Promise((resolve, reject) => {
      this.pending.set(id, ({ err, response }) => {
        if (err === undefined) resolve(response);
        else reject(err instanceof Error ? err : new RequestError(err));
      });
      this.connection.send(writeMessage({ event: '$auth', data, id }));
    });
  }

  private setStatus(status: EnvelopeClientStatus): void {
    this._status$.next(status);
  }

  private opened(session: SessionInfo): void {
    this.lastError = undefined;
    this.renewal.opened(session);
    this.setStatus('connected');
    for (const { resolve } of this.connecting.splice(0)) resolve();
  }

  private received({ kind, payload, id, event, data, ack, more }: Answer): void {
    const key = kind === undefined ? ack : id;
    const callback = this.pending.get(key);
    if (callback === undefined) return;
    const isLast = more !== true;
    if (isLast) this.pending.delete(key);
    // a message that a limit refuses gets an `exception` event, not a packet
    if (kind === 'error' || event === 'exception')
      callback({ err: (payload ?? data) || { status: 'error' }, isDisposed: true });
    // the answer to an event has `data`
    else callback({ response: kind === undefined ? data : payload, isDisposed: isLast });
  }

  private lost(error: Error, willReconnect: boolean): void {
    this.renewal.stop();
    this.setStatus(willReconnect ? 'reconnecting' : 'disconnected');
    const pending = [...this.pending.values()];
    this.pending.clear();
    // before the callbacks: a callback may call connect(), which then waits for the next attempt
    const connecting = this.connecting.splice(0);
    for (const callback of pending) callback({ err: error, isDisposed: true });
    for (const { reject } of connecting) reject(error);
  }

  private failed(error: ConnectError): void {
    this.lastError = error;
    this.lost(error, error.willReconnect);
  }
}
