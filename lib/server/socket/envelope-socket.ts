import { inspect, type InspectOptions } from 'node:util';
import type { Room } from 'socket.io-adapter';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
  WithTimeout,
} from '../../protocol/typed-events.js';
import { withCode } from '../../protocol/with-code.js';
import type { Grant } from '../handshake/grant.js';
import { UNREAD } from '../handshake/user-identity.js';
import type { UpgradeRequest } from '../handshake/upgrade-request.js';
import type { EmitFlags, Rooms } from '../rooms/adapter-types.js';
import type { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { HistoryStart, JoinedHistory } from '../rooms/history.js';
import type { OutgoingMessage } from '../rooms/outgoing-message.js';
import type { Connection, RawData, SendCallback, SendOptions } from '../transport/connection.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import { assertCompress, assertFunction, assertTimeout } from '../util/arguments.js';
import type { Handled } from '../util/handled.js';
import { randomId } from '../util/random-id.js';
import { EmitOperator } from './emit-operator.js';
import { engineSocketOf, type EngineSocket, type SocketIoClient } from './engine.js';
import type { HeldRooms } from './held-rooms.js';
import { Lifecycle } from './lifecycle.js';
import type { NamespaceContract } from './namespace-contract.js';
import { Outbound } from './outbound.js';
import { RequestTable } from './request-table.js';
import type { ResumableSession } from './resumable-session.js';
import { failRunningRequestWith } from './running-request.js';
import { join, leaveRooms } from './socket-rooms.js';
import { ConnectionApi } from './connection-api.js';

/** A middleware of one socket: gets `[event, data]` of each message, may change it, and calls `next`. */
type SocketMiddleware = (event: [string, ...Untyped[]], next: (error?: Error) => void) => void;

/**
 * One client in one namespace, as a gateway gets it: Socket.IO 4's socket over one connection. It holds what it uses: the
 * {@link Connection}, the {@link UpgradeRequest}, and its own parts for what comes in, what goes out, and its session.
 *
 * @example
 * ```ts
 * @SubscribeMessage('enter')
 * async enter(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string) {
 *   await client.join(room);
 *   client.to(room).emit('entered', client.user.name);
 * }
 * ```
 */
export class EnvelopeSocket<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
  _ServerSide extends EventsMap = DefaultEventsMap,
  Data = Untyped,
> extends ConnectionApi<Listen> {
  /** The socket's id: 20 random characters, also the name of its own room. */
  readonly id: string = randomId();
  /** The user, if a guard has set one. */
  user: Untyped = undefined;
  /** @internal */
  _ownData: Data | typeof UNREAD = UNREAD;
  /** @internal */
  readonly _lifecycle = new Lifecycle(this);
  /** @internal `undefined` until the client can resume, or has resumed, a session. */
  _session: ResumableSession | undefined;
  /** @internal What the guards granted; only of clients with guards, or with a session. */
  _grant: Grant | undefined;
  /** @internal Takes back what guards have written for a `$auth` that is still being checked. */
  _undoAuth: (() => void) | undefined;
  /** @internal The room of the user. */
  _userRoom: string | undefined;
  /** @internal What the Nest side keeps of this client's `handleConnection`, while it runs. */
  _hooks: unknown;
  /** @internal What the Nest side keeps of this client's message handlers. */
  _handlers: unknown;
  /** @internal */
  _middlewares: SocketMiddleware[] | undefined;
  /** @internal The rooms whose history is being read. */
  _held: HeldRooms | undefined;
  // made at their first use: an idle client has neither
  /** @internal */
  _outboundIfAny: Outbound | undefined;
  /** @internal */
  _requestsIfAny: RequestTable | undefined;

  /** @throws TypeError without a namespace: sockets are made by the adapter */
  constructor(nsp: NamespaceContract, connection: Connection, upgrade: UpgradeRequest) {
    if (typeof nsp !== 'object' || nsp === null)
      throw withCode(
        'ERR_ENVELOPE_ILLEGAL_CONSTRUCTOR',
        new TypeError('EnvelopeSocket: nsp is missing: EnvelopeAdapter makes a socket for each connection'),
      );
    super(nsp, connection, upgrade);
    connection.setOwner(this._lifecycle);
  }

  /** The application's own data of this client; visible in `fetchSockets`. */
  get data(): Data {
    return this._ownData === UNREAD ? (this._ownData = {} as Data) : this._ownData;
  }
  set data(data: Data) {
    this._ownData = data;
  }
  /** @internal What is emitted, and requests to the client. */
  get _outbound(): Outbound {
    return (this._outboundIfAny ??= new Outbound(this));
  }
  /** @internal Messages in flight. */
  get _requests(): RequestTable {
    return (this._requestsIfAny ??= new RequestTable(this));
  }
  /** @internal Whether the client has disconnected. */
  get _isEnded(): boolean {
    return this._lifecycle.isEnded;
  }
  /** @internal Disconnects the client; see {@link Lifecycle.end}. */
  _end(reason: DisconnectReason, code?: number, text?: string, timeout?: number): void {
    this._lifecycle.end(reason, code, text, timeout);
  }

  /** Past the middlewares, and not disconnected. */
  get connected(): boolean {
    return this._lifecycle.connected;
  }
  /** Not connected, or no longer. */
  get disconnected(): boolean {
    return !this.connected;
  }
  /** How the connection ended; `undefined` before. @example client.on('disconnect', () => console.log(client.closed?.code)); */
  get closed(): ClosedInfo | undefined {
    return this._lifecycle.closed;
  }
  /** Whether the client has resumed the session that it had. */
  get recovered(): boolean {
    return this._session?.resumption !== undefined;
  }
  /** The rooms of this client: its own id is one, that of its user is not listed. @example client.rooms.has('red'); */
  get rooms(): Set<Room> {
    return this.nsp.adapter.socketRooms(this.id) ?? new Set();
  }
  /** The same as `nsp`: a connection carries one namespace. @example client.server.to('red').emit('news', { text: 'Hello' }); */
  get server(): NamespaceContract {
    return this.nsp;
  }
  /** The socket itself: adapters write to it. It answers as Engine.IO's client. @example client.client.conn.transport.name; */
  get client(): SocketIoClient {
    return this;
  }
  /** The connection, as Engine.IO shows it. @example client.conn.transport.name; // 'websocket' */
  get conn(): EngineSocket {
    return engineSocketOf(this);
  }

  /**
   * When the connection ends by itself, with 4401, in milliseconds since the epoch; a `Date` is accepted. Guards set it
   * from the token (`payload.exp * 1000`), and set it again when the client authenticates in place.
   * `undefined`, the default, and `Infinity` mean that it does not end by itself. So does `NaN`, the result of a token
   * without `exp`, with a warning in the log.
   * @throws RangeError on a value that is no time, or is in seconds
   * @example client.expiresAt = payload.exp * 1_000;
   */
  get expiresAt(): number | undefined {
    return this._lifecycle.expiry?.at;
  }
  set expiresAt(when: number | Date | undefined) {
    this._lifecycle.setExpiry(when);
  }

  /**
   * Sends one event. Several arguments arrive as an array; a last one that is a function makes it a request and
   * gets the answer.
   * @throws Error on a reserved event name, TypeError on data that JSON cannot carry: it names the place in it; with the
   * option `validateEmits`, Error on data that is not as `@Emits` declares it
   * @example client.emit('said', { text: 'Hello' });
   */
  emit<Event extends EventNames<Emit>>(event: Event, ...args: EventParams<Emit, Event>): boolean {
    return this._outbound.emit({}, event, args);
  }

  /**
   * Sends a request and resolves with the answer; waits as long as the connection lives unless {@link timeout}
   * is set.
   * @throws (rejects) RequestError where the client answers with an exception, Error on timeout or disconnect
   * @example const place = await client.timeout(2_000).emitWithAck('where are you?');
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>> {
    return this._outbound.ask({}, event, args);
  }

  /**
   * How long, in milliseconds, a request waits for its answer; the callback then takes an error first.
   * @throws TypeError on what is no number
   * @example client.timeout(2_000).emit('ready?', (error: Error | null, isReady?: boolean) => {});
   */
  timeout(timeout: number): EmitOperator<WithTimeout<Emit>, Data> {
    assertTimeout('EnvelopeSocket.timeout', timeout);
    return new EmitOperator(this._outbound, { timeout });
  }

  /** Drops messages that the connection does not take at once. @example client.volatile.emit('position', { x: 1 }); */
  get volatile(): EmitOperator<Emit, Data> {
    return new EmitOperator(this._outbound, { volatile: true });
  }

  /**
   * Leaves the message uncompressed where `false`. Default: compressed if permessage-deflate was negotiated.
   * @throws TypeError on what is neither `true` nor `false`
   * @example client.compress(false).emit('said', { text: 'Hello' });
   */
  compress(compress: boolean): EmitOperator<Emit, Data> {
    assertCompress('EnvelopeSocket.compress', compress);
    return new EmitOperator(this._outbound, { compress });
  }

  /** Every client but this one. @example client.broadcast.emit('joined', client.id); */
  get broadcast(): BroadcastOperator<Emit, Data> {
    return this._outbound.others();
  }

  /** Every client but this one, on this node. @example client.local.emit('joined', client.id); */
  get local(): BroadcastOperator<Emit, Data> {
    return this._outbound.others().local;
  }

  /** The members of a room, or of several, but this client. @example client.to('red').emit('said', { text: 'Hello' }); */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this._outbound.others().to(rooms);
  }

  /** The same as {@link to}. @example client.in(['red', 'blue']).emit('said', { text: 'Hello' }); */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this._outbound.others().to(rooms);
  }

  /** Every client but this one and the members of rooms. @example client.except('muted').emit('said', { text: 'Hello' }); */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this._outbound.others().except(rooms);
  }

  /**
   * Joins a room, or several. Does nothing once the client has disconnected. Await it to know that a cluster adapter has
   * told the other nodes. A failure is in the log, whether it is awaited or not.
   * @throws (rejects) RoomLimitError on more rooms than `limits.maxRooms`, on a name longer than
   * `limits.maxRoomNameLength` or neither a text nor a number, and on the room of a user; none is joined then
   * @example await client.join(['red', 'blue']);
   */
  join(rooms: Rooms): Handled | void;
  /**
   * Joins one room, and sends its history from `start` on. Rejects without one.
   * @example const { complete } = await client.join('chat:7', { rewind: 50 });
   */
  join(room: Room, start: HistoryStart): Promise<JoinedHistory>;
  join(rooms: Rooms, start?: HistoryStart): Handled | Promise<JoinedHistory> | void {
    return join(this, rooms, start);
  }

  /**
   * Leaves a room, or several.
   * @throws (rejects) RoomLimitError on the client's own room (its id), on the room of a user, and on a name that is
   * neither a text nor a number; none is left then
   * @example await client.leave('red');
   */
  leave(rooms: Rooms): Handled | void {
    return leaveRooms(this, rooms);
  }

  /**
   * Adds a middleware that sees every message before its handlers.
   * @example client.use(([event], next) => next(isAllowed(event) ? undefined : forbidden));
   */
  use(middleware: SocketMiddleware): this {
    assertFunction('EnvelopeSocket.use', 'middleware', middleware);
    (this._middlewares ??= []).push(middleware);
    return this;
  }

  /**
   * Sends a text or binary message without an envelope, as `ws` does, behind everything that was emitted before. While an
   * exception filter runs for a request, an exception as JSON is that request's answer: Nest 12's own filter sends it so.
   * @throws TypeError on other data
   * @example client.send('a text without an envelope');
   */
  send(data: RawData, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    if (!failRunningRequestWith(data, this)) this._connection.sendRaw(data, options, callback);
  }

  /**
   * Disconnects the client.
   * @param close also ends the client's other namespaces: those of a Socket.IO client, which share one connection. A bare
   * connection carries one namespace. Default: `false`
   * @example client.disconnect();
   */
  disconnect(close = false): this {
    this._end('server namespace disconnect', CLOSE_CODES.NORMAL.code);
    if (close) this._connection.closeTransport();
    return this;
  }

  /**
   * Starts the closing handshake; what was emitted before still arrives, nothing after. A long reason is cut to 123 bytes.
   * @throws TypeError on a code that RFC 6455 forbids to send
   * @example client.close(4_000, 'opened in another tab');
   */
  close(code?: number, reason?: string | Buffer): void {
    this._end('server namespace disconnect', code, reason?.toString());
  }

  /** Cuts the connection without a closing handshake. @example client.terminate(); */
  terminate(): void {
    this._lifecycle.cut();
  }

  /** Where adapters put the callbacks of room-wide requests. @example client.acks.size; // requests without an answer */
  get acks(): Map<number, (answer: unknown) => void> {
    return this._outbound.adapterCallbacks;
  }
  /** @internal Adapters write a broadcast to each recipient: the same messages to all, encoded once. */
  writeToEngine(messages: readonly OutgoingMessage[], flags: EmitFlags): void {
    const { outbox, encoding } = this._connection;
    if (flags.volatile === true && !outbox.writable) return this._outbound.publishDrop();
    for (const message of messages) {
      const frame = message.frame(encoding);
      // the flags are those of the whole broadcast: the same for all recipients
      if (flags.compress === false) frame.compress = false;
      if (this._held?.take(message, frame) === true) continue;
      if (this._session?.current === undefined) outbox.push(frame);
      else outbox.pushLogged(frame);
    }
  }

  /** What loggers and serialisers get: no header, no token, no payload. @example JSON.stringify(client); // '{"id":"…"}' */
  toJSON(): { id: string } {
    return { id: this.id };
  }

  /** The same for `console.log` and Nest's logger. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }
}
