import type { IncomingMessage } from 'node:http';
import type { Adapter, Room } from 'socket.io-adapter';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { refuse } from '../../protocol/refuse.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  RequestParams,
  Untyped,
  WithManyAnswers,
} from '../../protocol/typed-events.js';
import { admit, type ConnectionListeners, type ServerMiddleware } from './admission.js';
import { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Rooms } from '../rooms/adapter-types.js';
import type { RoomHistory, ServerHistory } from '../rooms/history.js';
import type { ClusterStatus, ErrorSource } from '../diagnostics/types.js';
import { channels } from '../diagnostics/channels.js';
import { Engine } from '../socket/engine.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { historyOf } from '../socket/socket-history.js';
import { PacketEncoder } from '../rooms/packet-encoder.js';
import { RoomObservers } from '../rooms/room-observers.js';
import type { NamespaceConfig } from './namespace-config.js';
import type { Counters, NamespaceContract } from '../socket/namespace-contract.js';
import { disconnectAll, SHUTTING_DOWN } from './shutdown.js';
import { ServerEvents } from './server-events.js';
import { PRESENCE } from '../presence/peer-messages.js';
import { Presence } from '../presence/presence.js';
import { user } from '../handshake/user-name.js';
import {
  closeAdapter,
  createServerAdapter,
  leaveAllRooms,
  startAdapter,
  throwNotMounted,
} from './server-adapter.js';
import { createSocketMap, SocketSet, type SocketMap } from './socket-collections.js';
import { releaseSession, storeSession } from './resume.js';
import { TAKE_OVER, type Recovery } from '../recovery/types.js';
import type { Session } from '../recovery/session.js';

/**
 * The server of one URL path: Socket.IO 4's `Server` and `Namespace` in one. Gateways receive it by
 * `@WebSocketServer()`, providers by `@InjectEnvelopeServer()`. Until an `EnvelopeAdapter` has mounted it, every method
 * throws, except those for listeners and middlewares.
 *
 * @example
 * // in a gateway with `@WebSocketServer() server: EnvelopeServer`, this.server
 * server.to('red').emit('news', { text: 'Hello' });
 */
export class EnvelopeServer<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = DefaultEventsMap,
  ServerSide extends EventsMap = DefaultEventsMap,
  Data = Untyped,
>
  extends ServerEvents<
    EnvelopeSocket<Listen, Emit, ServerSide, Data>,
    EnvelopeServer<Listen, Emit, ServerSide, Data>,
    ServerSide
  >
  implements NamespaceContract
{
  /** The sockets of this node by id: a live view. It also has the methods of Socket.IO's default namespace. */
  readonly sockets: SocketMap<
    EnvelopeSocket<Listen, Emit, ServerSide, Data>,
    EnvelopeServer<Listen, Emit, ServerSide, Data>
  > = createSocketMap(this);
  /** The sockets of this node as a set, as in `ws`: a live view. */
  readonly clients: SocketSet<EnvelopeSocket<Listen, Emit, ServerSide, Data>> = new SocketSet(this.sockets);
  /** Socket.IO's `engine`: `engine.clientsCount` is the number of clients of this node. */
  readonly engine = new Engine(this);
  /** Encodes packets for adapters. A broadcast is encoded and framed once for all recipients. */
  readonly encoder = new PacketEncoder(this);
  /** The part of Socket.IO's options that adapters read. */
  opts: Readonly<Record<string, unknown>> = {};
  /** @internal The id of the next request. Starts at 1, since 0 is falsy: a client could ignore the first request. */
  _ids = 1;
  /** @internal */
  readonly _observers = new RoomObservers(this);
  /** @internal Clients whose middlewares are still running. */
  readonly _connecting = new Set<EnvelopeSocket>();
  /** Calls of `handleDisconnect` that have not settled. {@link close} waits for them. */
  private readonly disconnectHooks = new Set<Promise<void>>();
  private mounted: NamespaceConfig<EnvelopeServer<Listen, Emit, ServerSide, Data>> | undefined;
  private mountedAdapter: Adapter | undefined;
  private createdPresence: Presence | undefined;
  /** @internal The sessions of disconnected clients; `undefined` without recovery. */
  _recovery: Recovery | undefined;
  /** @internal The histories of rooms; `undefined` without the option `history`. */
  _history: ServerHistory | undefined;
  /** @internal Whether the server refuses clients and messages, since it is closing. */
  _isClosing = false;

  constructor() {
    super();
    this._internalListeners.set(TAKE_OVER, (...values) => releaseSession(this.sockets, values));
  }

  /** The full URL path, with a port prefix (`:3005/ws`) if the port is not the application's. */
  get name(): string {
    return this._config.name;
  }
  /** The declared path, for labels of metrics. A child of a RegExp namespace has the path of its parent. */
  get route(): string {
    return this._config.parent?.name ?? this.name;
  }
  /**
   * The adapter of the rooms, as in Socket.IO. @throws Error before the server is mounted
   * @example server.adapter.on('create-room', (room) => console.log(room));
   */
  get adapter(): Adapter {
    return this.mountedAdapter ?? throwNotMounted();
  }
  /** The server itself, which adapters use as the Socket.IO server. @example server.server.of('/admin'); */
  get server(): this {
    return this;
  }
  /**
   * The state of the connection to the other nodes.
   * @example if (server.cluster.state === 'away') console.warn('the broker is unreachable');
   */
  get cluster(): ClusterStatus {
    return this._config.services.cluster.statusOf(this.adapter);
  }
  /** The number of ignored and refused messages since the start. @example const { refusedMessages } = server.counters; */
  get counters(): Readonly<Counters> {
    return this._config.gateway.router.counters;
  }

  /** Sends an event to all clients on all nodes: {@link BroadcastOperator.emit}. @example server.emit('news', { text: 'Hello' }); */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<Emit>, Event>
  ): true {
    return this.broadcast.emit(event, ...args);
  }
  /** Sends the event `message` to all clients on all nodes, as in Socket.IO. @example server.send('hello'); */
  send(...args: Untyped[]): this {
    this.broadcast.emit('message' as EventNames<Emit>, ...(args as Untyped));
    return this;
  }
  /**
   * Sends a request to all clients on all nodes. See {@link BroadcastOperator.emitWithAck}.
   * @example const versions = await server.emitWithAck('version?');
   */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>[]> {
    return this.broadcast.emitWithAck(event, ...args);
  }
  /**
   * Returns a broadcast to the members of one or several rooms. See {@link BroadcastOperator.to}.
   *
   * @example
   * server.to('red').to('blue').except(client.id).emit('move', { x: 1 });
   */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.to(rooms);
  }
  /** An alias of {@link to}. @example server.in('red').disconnectSockets(); */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.to(rooms);
  }
  /** Returns a broadcast to all but the members of rooms. @example server.except('muted').emit('news', { text: 'Hello' }); */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.except(rooms);
  }
  /** Returns a broadcast to the clients of this node. @example server.local.emit('restart', { seconds: 30 }); */
  get local(): BroadcastOperator<Emit, Data> {
    return this.broadcast.local;
  }
  /**
   * Returns a broadcast that clients do not get unless they can receive it at once: it is not queued.
   * @example server.volatile.emit('position', { x: 1 });
   */
  get volatile(): BroadcastOperator<Emit, Data> {
    return this.broadcast.volatile;
  }
  /**
   * Returns a broadcast with or without permessage-deflate, where negotiated. Default: `true`.
   * @example server.compress(false).emit('news', { text: 'Hello' });
   */
  compress(compress: boolean): BroadcastOperator<Emit, Data> {
    return this.broadcast.compress(compress);
  }
  /**
   * Returns a broadcast whose requests wait so many milliseconds. Default: 5,000.
   * @example const answers = await server.timeout(2_000).emitWithAck('ready?');
   */
  timeout(timeout: number): BroadcastOperator<Emit, Data> {
    return this.broadcast.timeout(timeout);
  }
  /**
   * Resolves with the sockets of all nodes. See {@link BroadcastOperator.fetchSockets}.
   * @example const ids = (await server.fetchSockets()).map(({ id }) => id);
   */
  fetchSockets(): ReturnType<BroadcastOperator<Emit, Data>['fetchSockets']> {
    return this.broadcast.fetchSockets();
  }
  /** Makes all sockets on all nodes join one or several rooms. @example server.socketsJoin('everybody'); */
  socketsJoin(rooms: Rooms): void {
    this.broadcast.socketsJoin(rooms);
  }
  /** Makes all sockets on all nodes leave one or several rooms. @example server.socketsLeave('beta'); */
  socketsLeave(rooms: Rooms): void {
    this.broadcast.socketsLeave(rooms);
  }
  /** Disconnects all sockets on all nodes. See {@link BroadcastOperator.disconnectSockets}. @example server.disconnectSockets(); */
  disconnectSockets(close = false): void {
    this.broadcast.disconnectSockets(close);
  }
  /**
   * Disconnects all clients of one user on all nodes, and revokes the sessions of disconnected ones.
   * @param id the name of the user, see {@link user}
   * @throws TypeError on an id that cannot name a user
   * @example server.disconnectUser(42);
   */
  disconnectUser(id: Untyped): void {
    this.to(user(id)).disconnectSockets();
  }
  /**
   * Lists the users in each room, over all nodes. See {@link Presence}.
   * @example
   * const members = await server.presence.list('red');
   */
  get presence(): Presence {
    return (this.createdPresence ??= new Presence(this));
  }

  /** Returns the history of a room. @throws Error if it has none @example const last = await server.history('chat:7').read(); */
  history(room: Room): RoomHistory {
    return historyOf(this).of(room);
  }

  /**
   * Returns the server of another path, or of a RegExp namespace. Creates it if necessary.
   * @param listener added to that server as a listener for `connection`
   * @throws TypeError unless the path is a string or a RegExp
   * @example server.of('/admin').emit('joined', client.id);
   */
  of(
    path: string | RegExp,
    listener?: (socket: EnvelopeSocket<Listen, Emit, ServerSide, Data>) => void,
  ): EnvelopeServer<Listen, Emit, ServerSide, Data> {
    if (typeof path !== 'string' && !(path instanceof RegExp))
      refuse('EnvelopeServer.of', 'path', path, "a text, such as '/chat', or a RegExp");
    const server = this._config.of(path);
    if (listener !== undefined) server.on('connection', listener);
    return server;
  }

  /**
   * Refuses further clients, waits for running handlers, at most `shutdownTimeout` milliseconds (default: 5,000), closes all
   * connections of this path with 1001, and waits for `handleDisconnect`. The HTTP server stays open.
   * @example await server.close();
   */
  async close(callback?: (error?: Error) => void): Promise<void> {
    this._isClosing = true;
    await disconnectAll(
      () => [...this._connecting, ...this.sockets.values()],
      this.disconnectHooks,
      this._config.limits.shutdownTimeout,
    );
    callback?.();
  }

  /** @internal Whether the server has a listener for connections, or a microservice. */
  override get _isUsed(): boolean {
    return super._isUsed || this.mounted?.gateway.router.packetHandler !== undefined;
  }
  /** @internal Whether no client is connected or connecting, and nobody observes a room. */
  get _isEmpty(): boolean {
    return this.sockets.size === 0 && this._connecting.size === 0 && this._observers.size === 0;
  }
  /** @internal The listeners for a new client, those of the RegExp namespace first. */
  get _connectionListeners(): ConnectionListeners {
    return this.connectionListeners(this.mounted?.parent?._connectionListeners);
  }
  /** @internal The connection middlewares, those of the RegExp namespace first. */
  get _middlewares(): readonly ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>[] {
    return this.connectionMiddlewares(this.mounted?.parent?._middlewares);
  }
  /** @internal The configuration. @throws Error before the server is mounted */
  get _config(): NamespaceConfig<EnvelopeServer<Listen, Emit, ServerSide, Data>> {
    return this.mounted ?? throwNotMounted();
  }
  /** @internal Mounts the server: creates its adapter and its recovery. */
  _mount(config: NamespaceConfig<EnvelopeServer<Listen, Emit, ServerSide, Data>>): void {
    this.mounted = config;
    ({ adapter: this.mountedAdapter, recovery: this._recovery } = createServerAdapter(this, config));
    this._history = config.services.history?._openHistory(this);
    if (channels.mount.hasSubscribers) channels.mount.publish({ server: this });
    startAdapter(this);
  }

  /** @internal Closes the presence and the adapter. Never rejects. */
  async _closeAdapter(): Promise<void> {
    this._observers.close();
    this.createdPresence?._close();
    if (channels.unmount.hasSubscribers) channels.unmount.publish({ server: this });
    await closeAdapter(this);
  }

  /** @internal Connects a client whose WebSocket is open. */
  _connect(socket: EnvelopeSocket<Listen, Emit, ServerSide, Data>, request: IncomingMessage): void {
    // asynchronous checks of the upgrade may have started before the close
    if (this._isClosing) socket._end(SHUTTING_DOWN, CLOSE_CODES.GOING_AWAY.code, SHUTTING_DOWN);
    else admit(this, socket, request);
  }
  /** @internal Stores the session of a client that disconnects. */
  _storeSession(socket: EnvelopeSocket, session: Session): void {
    storeSession(this._recovery!, socket, session);
  }
  /** @internal Removes a client that disconnects from its rooms and from this server. */
  _remove(socket: EnvelopeSocket): void {
    leaveAllRooms(this, socket);
    this._connecting.delete(socket);
    if (this.sockets.delete(socket.id) && socket._connection.isCarried) this.encoder.carried--;
  }
  /** @internal Makes {@link close} wait for a call of `handleDisconnect`. */
  _waitFor(promise: Promise<void>): void {
    this.disconnectHooks.add(promise);
    void promise.finally(() => this.disconnectHooks.delete(promise));
  }
  /** @internal Logs a warning. The log limits the lines of each subject. */
  _warn(subject: string, text: string): void {
    this._config.services.warn(`${this.name}: ${subject}`, `${this.name}: ${text}`);
  }
  /** @internal Logs an error. */
  _report(error: unknown, where: string, source?: ErrorSource): void {
    this._config.services.report(error, `${this.name}: ${where}`, undefined, source);
  }
  /** @internal Handles an event of another node. Creates the presence first, if the event is for it. */
  override _onServerSideEmit(args: unknown): void {
    if (Array.isArray(args) && String(args[0]).startsWith(PRESENCE)) void this.presence;
    super._onServerSideEmit(args);
  }
  /** @internal Adds a listener for changes of the cluster's nodes, and for the reconnect to the broker. */
  _onClusterChange(listener: () => void): void {
    this._config.services.cluster.watch(this.adapter, listener);
  }
  private get broadcast(): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this);
  }
}
