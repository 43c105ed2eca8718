import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { EventNames, EventsMap, Listener, Untyped } from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import type { Handshake } from '../handshake/handshake.js';
import type { UpgradeRequest } from '../handshake/upgrade-request.js';
import { NOT_OPEN, type Connection, type SendCallback } from '../transport/connection.js';
import type { ReadyState } from '../transport/ready-state.js';
import { assertEventName, assertFunction } from '../util/arguments.js';
import { CatchAllListeners, type AnyListener } from './catch-all-listeners.js';
import type { ConnectionEvents } from './connection-events.js';
import type { NamespaceContract } from './namespace-contract.js';
import { SocketListeners } from './socket-listeners.js';
import { warnOfUncalledListener } from './uncalled-listeners.js';

/**
 * The part of a socket that users of `ws`, of HTTP requests and of Node's emitters know: its connection, the request that
 * opened it, and the listeners of both the connection and the client.
 */
export class ConnectionApi<Listen extends EventsMap> {
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;
  static {
    // on the class, not on each socket
    Object.assign(this.prototype, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  }

  /** The flag of `ws`'s own heartbeat example: a pong sets it. The heartbeat of this package does not use it. */
  isAlive = true;
  /** Made with the first listener: most sockets have none. */
  private listenersIfAny: SocketListeners | undefined;

  constructor(
    /** The server that this client is connected to: its namespace. */
    readonly nsp: NamespaceContract,
    /** @internal */
    readonly _connection: Connection,
    /** @internal */
    readonly _upgrade: UpgradeRequest,
  ) {}

  /**
   * The raw `ws` socket. What is sent through it does not wait for what was emitted before.
   * @throws Error while the guards of the upgrade run, since it is not open yet, and on a transport without WebSockets
   * @example client.ws.binaryType = 'arraybuffer';
   */
  get ws(): NonNullable<Connection['webSocket']> {
    const { webSocket } = this._connection;
    if (webSocket !== undefined) return webSocket;
    const { transportName } = this._connection;
    // also after a guard has disconnected the client: no WebSocket was opened
    if (this._connection.encoding.protocol === 'envelope' && transportName === 'websocket')
      throw withCode('ERR_ENVELOPE_NOT_CONNECTED', new Error(NOT_OPEN));
    throw withCode(
      'ERR_ENVELOPE_UNSUPPORTED',
      new Error(
        `client.ws: the connection has no WebSocket of its own: the client uses "${transportName}" and the protocol ` +
          `"${this._connection.encoding.protocol}"`,
      ),
    );
  }
  /** 0 connecting, 1 open, 2 closing, 3 closed, as in `ws`. */
  get readyState(): ReadyState {
    return this._connection.readyState;
  }
  /** The selected subprotocol, empty for none. */
  get protocol(): string {
    return this._connection.protocol;
  }
  /** The negotiated extensions, as in `ws`. */
  get extensions(): string {
    return this._connection.extensions;
  }
  /** Whether nothing is read from the connection. */
  get isPaused(): boolean {
    return this._connection.isPaused;
  }
  /** Bytes that were sent and not written yet. */
  get bufferedAmount(): number {
    return this._connection.outbox.bufferedAmount;
  }

  /** How the connection began; see {@link Handshake}. @example const { token } = client.handshake.auth; */
  get handshake(): Handshake {
    return this._upgrade.handshake;
  }
  /**
   * The upgrade request. `headers.authorization` has the token, wherever the client sent it.
   *
   * @example const { remotePort } = client.request.socket;
   */
  get request(): IncomingMessage {
    return this._upgrade.message;
  }
  /** The headers of the upgrade request. @example const language = client.headers['accept-language']; */
  get headers(): IncomingHttpHeaders {
    return this.handshake.headers;
  }
  /** The URL of the upgrade request: path and query. */
  get url(): string {
    return this.handshake.url;
  }
  /** The query of the upgrade request. @example const { room } = client.query; // of wss://example.com/chat?room=red */
  get query(): Handshake['query'] {
    return this.handshake.query;
  }
  /**
   * The values of `:params` in the gateway's path.
   *
   * @example const { room } = client.params; // of a gateway with the path /chat/:room
   */
  get params(): Readonly<Record<string, string>> {
    return this._upgrade.params;
  }
  /**
   * The cookies of the upgrade request, as `cookie-parser` gives them to HTTP handlers.
   *
   * @example const { session } = client.cookies;
   */
  get cookies(): Readonly<Record<string, string | undefined>> {
    return this._upgrade.cookies;
  }
  /** The client's address; behind a proxy that `trustProxy` names, the one that the proxy saw. */
  get ip(): string {
    return this._upgrade.clientInfo.address;
  }
  /** A name for this connection in logs: the `x-request-id` header, else a UUID. */
  get requestId(): string {
    return this._upgrade.id;
  }

  /** Sends a ping frame. @example client.ping(); */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this._connection.ping(data, mask, callback);
  }
  /** Sends a pong frame. @example client.pong(); */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void {
    this._connection.pong(data, mask, callback);
  }
  /** Stops reading from the connection. What the client sends then fills its own buffers. @example client.pause(); */
  pause(): void {
    this._connection.hold('application');
  }
  /** Reads from the connection again, unless too many messages wait. @example client.resume(); */
  resume(): void {
    this._connection.release('application');
  }

  /**
   * Listens: to the connection for `close`, `error`, `ping`, `pong`, `drain`, `disconnect` and `disconnecting`, to the
   * client for every other name. A listener gets the data and, if the client asked, the function that answers.
   * @throws TypeError without an event or a listener
   * @example client.on('disconnect', (reason) => console.log(client.id, reason));
   */
  on<Event extends keyof ConnectionEvents>(event: Event, listener: ConnectionEvents[Event]): this;
  on<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  on(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }

  /** Listens as {@link on}, for one time. @example client.once('drain', () => sendMore()); */
  once<Event extends keyof ConnectionEvents>(event: Event, listener: ConnectionEvents[Event]): this;
  once<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  once(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).once(event, listener);
    return this;
  }

  /** The same as {@link on}. @example client.addListener('said', (text: string) => console.log(text)); */
  addListener<Event extends keyof ConnectionEvents>(event: Event, listener: ConnectionEvents[Event]): this;
  addListener<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  addListener(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).on(event, listener);
    return this;
  }
  /**
   * The same as {@link on}, before all existing listeners.
   *
   * @example client.prependListener('said', (text: string) => console.log(text));
   */
  prependListener<Event extends keyof ConnectionEvents>(
    event: Event,
    listener: ConnectionEvents[Event],
  ): this;
  prependListener<Event extends EventNames<Listen>>(event: Event, listener: Listener<Listen, Event>): this;
  prependListener(event: string, listener: (...args: Untyped[]) => void): this {
    this.emitterOf(event).prependListener(event, listener);
    return this;
  }

  /**
   * Removes a listener of {@link on} or {@link once}. @throws TypeError without an event or a listener
   *
   * @example client.off('said', onSaid);
   */
  off(event: string, listener: (...args: Untyped[]) => void): this {
    const emitter = this.emitterIfAny(event);
    assertFunction('EnvelopeSocket.off', 'listener', listener);
    emitter?.off(event, listener);
    return this;
  }
  /** The same as {@link off}. @example client.removeListener('said', onSaid); */
  removeListener(event: string, listener: (...args: Untyped[]) => void): this {
    return this.off(event, listener);
  }
  /**
   * Removes the listeners of one event, or of all events. Those of {@link onAny} stay.
   *
   * @example client.removeAllListeners('said');
   */
  removeAllListeners(event?: string): this {
    if (event === undefined) this.listenersIfAny?.removeAll();
    else this.emitterIfAny(event)?.removeAllListeners(event);
    return this;
  }

  /** Returns the listeners of one event. @example const [first] = client.listeners('said'); */
  listeners(event: string): ((...args: Untyped[]) => void)[] {
    return (this.emitterIfAny(event)?.listeners(event) ?? []) as ((...args: Untyped[]) => void)[];
  }
  /**
   * Returns how many listeners one event has.
   *
   * @example if (client.listenerCount('said') === 0) client.on('said', onSaid);
   */
  listenerCount(event: string): number {
    return this.emitterIfAny(event)?.listenerCount(event) ?? 0;
  }
  /**
   * Returns the names of the events that have listeners.
   *
   * @example console.log(client.eventNames()); // ['disconnect', 'said']
   */
  eventNames(): string[] {
    return this.listenersIfAny?.eventNames ?? [];
  }
  /**
   * Sets how many listeners an event may have before Node warns of a leak. Default: 10; 0: any number.
   *
   * @example client.setMaxListeners(50);
   */
  setMaxListeners(count: number): this {
    for (const event of ['', 'close']) this.emitterOf(event).setMaxListeners(count);
    return this;
  }

  /** Listens to every event of the client. @example client.onAny((event, data) => console.log(event, data)); */
  onAny(listener: AnyListener): this {
    (this.allListeners.incoming ??= new CatchAllListeners()).add(listener);
    return this;
  }
  /**
   * The same as {@link onAny}, before the existing listeners.
   *
   * @example client.prependAny((event, data) => console.log(event, data));
   */
  prependAny(listener: AnyListener): this {
    (this.allListeners.incoming ??= new CatchAllListeners()).prepend(listener);
    return this;
  }
  /** Removes one listener of {@link onAny}, or all without an argument. @example client.offAny(); */
  offAny(listener?: AnyListener): this {
    this.listenersIfAny?.incoming?.remove(listener);
    return this;
  }
  /** Returns the listeners of {@link onAny}. @example console.log(client.listenersAny().length); */
  listenersAny(): AnyListener[] {
    return this.listenersIfAny?.incoming?.list() ?? [];
  }

  /**
   * Listens to everything that is emitted to the client, broadcasts included.
   *
   * @example client.onAnyOutgoing((event, data) => console.log(event, data));
   */
  onAnyOutgoing(listener: AnyListener): this {
    (this.allListeners.outgoing ??= new CatchAllListeners()).add(listener);
    return this;
  }
  /**
   * The same as {@link onAnyOutgoing}, before the existing listeners.
   *
   * @example client.prependAnyOutgoing((event, data) => console.log(event, data));
   */
  prependAnyOutgoing(listener: AnyListener): this {
    (this.allListeners.outgoing ??= new CatchAllListeners()).prepend(listener);
    return this;
  }
  /** Removes one listener of {@link onAnyOutgoing}, or all without an argument. @example client.offAnyOutgoing(); */
  offAnyOutgoing(listener?: AnyListener): this {
    this.listenersIfAny?.outgoing?.remove(listener);
    return this;
  }
  /** Returns the listeners of {@link onAnyOutgoing}. @example console.log(client.listenersAnyOutgoing().length); */
  listenersAnyOutgoing(): AnyListener[] {
    return this.listenersIfAny?.outgoing?.list() ?? [];
  }

  /** @internal Runs the listeners of a client's event. @returns whether it had one */
  _listen(event: string, args: readonly unknown[]): boolean {
    return this.listenersIfAny !== undefined && this.listenersIfAny.call(event, args);
  }

  /** @internal Runs the outgoing catch-all listeners. */
  _notifyOutgoing(event: string, args: readonly unknown[]): void {
    this.listenersIfAny?.notifyOutgoing(event, args);
  }

  /** @internal Adapters call it for each recipient of a broadcast. */
  notifyOutgoingListeners(packet: { data: unknown[] }): void {
    if (this.listenersIfAny?.outgoing !== undefined) this.listenersIfAny.notifyBroadcast(packet.data);
  }

  /** @internal Emits an event of the connection. What a listener throws is reported, not passed on. */
  _emitConnectionEvent(event: keyof ConnectionEvents, ...args: unknown[]): void {
    this.listenersIfAny?.emitConnectionEvent(event, args);
  }

  /** @internal */
  _report(error: unknown, where: string, event?: string, isExpected?: boolean): void {
    this.nsp._report(error, where, { client: this, event, isExpected });
  }

  private get allListeners(): SocketListeners {
    return (this.listenersIfAny ??= new SocketListeners(this));
  }

  private emitterIfAny(event: string): EventEmitter | undefined {
    assertEventName('EnvelopeSocket', event);
    return this.listenersIfAny?.emitterIfAny(event);
  }

  private emitterOf(event: string): EventEmitter {
    assertEventName('EnvelopeSocket', event);
    warnOfUncalledListener(this.nsp, event);
    return this.allListeners.emitterOf(event);
  }
}
