import type { IncomingMessage } from 'node:http';
import type { Adapter } from 'socket.io-adapter';
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
import { withCode } from '../../protocol/with-code.js';
import { assertFunction } from '../util/arguments.js';
import { admit, type ServerMiddleware } from './admission.js';
import { callSafely } from '../util/safe-call.js';
import { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Rooms } from '../rooms/adapter-types.js';
import type { ClusterStatus } from '../diagnostics/types.js';
import { channels } from '../diagnostics/channels.js';
import { Engine } from '../socket/engine.js';
import type { EnvelopeSocket } from '../socket/envelope-socket.js';
import { encodePacket } from '../rooms/packet-encoder.js';
import type { NamespaceConfig } from './namespace-config.js';
import type { Counters } from '../socket/namespace-contract.js';
import { disconnectAll, SHUTTING_DOWN } from './shutdown.js';
import { namespaceMap, type NamespaceMap } from './namespace-map.js';
import { ServerEvents } from './server-events.js';
import type { NamespaceContract } from '../socket/namespace-contract.js';
import { Presence, PRESENCE } from '../presence/presence.js';
import { user } from '../handshake/user-name.js';
import { leaveUserRoom } from '../rooms/user-room.js';
import { SocketSet } from './socket-set.js';
import { storeSession, releaseSession } from './resume.js';
import { TAKE_OVER, type Recovery } from '../recovery/types.js';
import type { Session } from '../recovery/session.js';

const NOT_MOUNTED =
  'EnvelopeServer was used before an EnvelopeAdapter mounted it: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) first';

/**
 * The sockets of one URL path: Socket.IO 4's server and namespace in one. Gateways get it by `@WebSocketServer()`,
 * providers by injection. Before an `EnvelopeAdapter` has mounted it, all but listening throws.
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
  /** The connected sockets by id; answers as Socket.IO's default namespace does, too. */
  readonly sockets: NamespaceMap<
    EnvelopeSocket<Listen, Emit, ServerSide, Data>,
    EnvelopeServer<Listen, Emit, ServerSide, Data>
  > = namespaceMap(this);
  /** The connected sockets, as `ws` has them: a live view. */
  readonly clients: SocketSet<EnvelopeSocket<Listen, Emit, ServerSide, Data>> = new SocketSet(this.sockets);
  /** How many clients are connected: `engine.clientsCount`. */
  readonly engine = new Engine(this);
  /** What adapters make frames with: one broadcast is encoded and framed once, for all its recipients. */
  readonly encoder = { encode: encodePacket };
  /** What adapters read of Socket.IO's options. */
  opts: Readonly<Record<string, unknown>> = {};
  /** @internal From 1: a client that tests an id for truth must not lose the first request. */
  _ids = 1;
  /** @internal Why it is not mounted, once that is known. */
  _unmounted = NOT_MOUNTED;
  /** @internal */
  readonly _connecting = new Set<EnvelopeSocket>();
  /** `handleDisconnect` calls that have not settled: closing waits for them. */
  private readonly disconnectHooks = new Set<Promise<void>>();
  private readonly middlewares: ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>[] = [];
  private mounted: NamespaceConfig<EnvelopeServer<Listen, Emit, ServerSide, Data>> | undefined;
  private mountedAdapter: Adapter | undefined;
  private createdPresence: Presence | undefined;
  /** @internal */
  _recovery: Recovery | undefined;
  /** @internal Nobody is let in any more, and no new message is handled. */
  _isClosing = false;

  constructor() {
    super();
    this._internalListeners.set(TAKE_OVER, (...values) => releaseSession(this.sockets, values));
  }

  /** The full URL path, with the port in front (`:3005/ws`) only where it is not the application's. */
  get name(): string {
    return this._config.name;
  }
  /** The path as the gateway declares it: a child of a RegExp namespace has its parent's. For labels of metrics. */
  get route(): string {
    return this._config.parent?.name ?? this.name;
  }
  /** The rooms: an adapter of Socket.IO's contract. */
  get adapter(): Adapter {
    if (this.mountedAdapter === undefined)
      throw withCode('ERR_ENVELOPE_NOT_MOUNTED', new Error(this._unmounted));
    return this.mountedAdapter;
  }
  /** What adapters take for the Socket.IO server. */
  get server(): this {
    return this;
  }
  /** How this server stands with the other nodes. */
  get cluster(): ClusterStatus {
    return this._config.services.cluster.statusOf(this.adapter);
  }
  /** What clients did that was not worth an answer, counted since the start. */
  get counters(): Readonly<Counters> {
    return this._config.gateway.router.counters;
  }

  /** Sends one event to everybody. See {@link BroadcastOperator.emit}. */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<Emit>, Event>
  ): true {
    return this.broadcast.emit(event, ...args);
  }
  /** Sends the event `message` to everybody, as in Socket.IO. */
  send(...args: Untyped[]): this {
    this.broadcast.emit('message' as EventNames<Emit>, ...(args as Untyped));
    return this;
  }
  /** Asks everybody. See {@link BroadcastOperator.emitWithAck}. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>[]> {
    return this.broadcast.emitWithAck(event, ...args);
  }
  /** The members of a room, or of several. */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.to(rooms);
  }
  /** The same as {@link to}. */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.to(rooms);
  }
  /** Everybody but the members of a room, or of several. */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.broadcast.except(rooms);
  }
  /** Everybody on this node. */
  get local(): BroadcastOperator<Emit, Data> {
    return this.broadcast.local;
  }
  /** What follows is dropped, not queued, where a line takes no data at the moment of the call. */
  get volatile(): BroadcastOperator<Emit, Data> {
    return this.broadcast.volatile;
  }
  /** Where `false`, leaves messages uncompressed on lines that negotiated permessage-deflate. */
  compress(compress: boolean): BroadcastOperator<Emit, Data> {
    return this.broadcast.compress(compress);
  }
  /** How long, in milliseconds, a request waits for its answers. */
  timeout(timeout: number): BroadcastOperator<Emit, Data> {
    return this.broadcast.timeout(timeout);
  }
  /** All sockets, on every node. */
  fetchSockets(): ReturnType<BroadcastOperator<Emit, Data>['fetchSockets']> {
    return this.broadcast.fetchSockets();
  }
  /** Makes all sockets join a room, or several. */
  socketsJoin(rooms: Rooms): void {
    this.broadcast.socketsJoin(rooms);
  }
  /** Makes all sockets leave a room, or several. */
  socketsLeave(rooms: Rooms): void {
    this.broadcast.socketsLeave(rooms);
  }
  /** Disconnects all sockets. */
  disconnectSockets(close = false): void {
    this.broadcast.disconnectSockets(close);
  }
  /** Disconnects all connections of one user, on every node; those that are away cannot come back to theirs. */
  disconnectUser(id: Untyped): void {
    this.to(user(id)).disconnectSockets();
  }
  /** Who is in a room, on all nodes. */
  get presence(): Presence {
    return (this.createdPresence ??= new Presence(this));
  }

  /** Adds a connection middleware: gets the socket and `next`; `next(error)` refuses the client. */
  use(middleware: ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>): this {
    assertFunction('EnvelopeServer.use', 'middleware', middleware);
    this.middlewares.push(middleware);
    return this;
  }

  /** The server of another path: `server.of('/chat')`. With a listener, that one hears its connections. */
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

  /** Closes the connections of this path with 1001 and lets nobody in any more; the HTTP server goes on. */
  async close(callback?: (error?: Error) => void): Promise<void> {
    this._isClosing = true;
    await disconnectAll(
      () => [...this._connecting, ...this.sockets.values()],
      this.disconnectHooks,
      this._config.limits.shutdownTimeout,
    );
    callback?.();
  }

  /** @internal */
  override get _isUsed(): boolean {
    return super._isUsed || this.mounted?.gateway.router.bridge !== undefined;
  }
  /** @internal */
  get _isEmpty(): boolean {
    return this.sockets.size === 0 && this._connecting.size === 0;
  }
  /** @internal */
  get _connectionListeners(): ((...args: unknown[]) => void)[] {
    const { events, mounted } = this;
    const own = events.rawListeners('connection') as ((...args: unknown[]) => void)[];
    // asked for each connection: of most servers there are no others
    if (mounted?.parent === undefined && events.listenerCount('connect') === 0) return own;
    const others = events.rawListeners('connect') as ((...args: unknown[]) => void)[];
    return [...(mounted?.parent?._connectionListeners ?? []), ...own, ...others];
  }
  /** @internal */
  get _middlewares(): readonly ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>[] {
    const inherited = this.mounted?.parent?._middlewares;
    return inherited === undefined && this.middlewares.length === 0
      ? this.middlewares
      : [...(inherited ?? []), ...this.middlewares];
  }
  /** @internal */
  get _config(): NamespaceConfig<EnvelopeServer<Listen, Emit, ServerSide, Data>> {
    if (this.mounted === undefined) throw withCode('ERR_ENVELOPE_NOT_MOUNTED', new Error(this._unmounted));
    return this.mounted;
  }
  /** @internal */
  _mount(mount: NamespaceConfig<EnvelopeServer<Listen, Emit, ServerSide, Data>>): void {
    this.mounted = mount;
    const { recovery, adapter } = mount.services;
    if (recovery !== undefined) {
      const { maxDisconnectionDuration } = recovery;
      this.opts = { connectionStateRecovery: { maxDisconnectionDuration } };
    }
    this.mountedAdapter = adapter(this);
    this._recovery = recovery?.of(this.mountedAdapter, mount.name, mount.parent?.adapter);
    // adapters would number what nobody comes back to
    if (this._recovery === undefined) this.opts = {};
    if (channels.mount.hasSubscribers) channels.mount.publish({ server: this });
    // a cluster's broker may be away; this node's clients are served all the same
    Promise.resolve(this.mountedAdapter.init()).catch((error: unknown) =>
      this._report(error, 'the adapter failed to start'),
    );
  }

  /** @internal Never rejects: a broker that is away must not keep the rest from closing. */
  async _closeAdapter(): Promise<void> {
    this.createdPresence?._close();
    if (channels.unmount.hasSubscribers) channels.unmount.publish({ server: this });
    try {
      await this.adapter.close();
    } catch (error) {
      this._report(error, 'the adapter failed to close');
    }
  }

  /** @internal The WebSocket of a client was opened on this path. */
  _connect(socket: EnvelopeSocket<Listen, Emit, ServerSide, Data>, request: IncomingMessage): void {
    // checks of the upgrade may be asynchronous, and have begun before the close
    if (this._isClosing) socket._end(SHUTTING_DOWN, CLOSE_CODES.GOING_AWAY.code, SHUTTING_DOWN);
    else admit(this, socket, request);
  }
  /** @internal */
  _storeSession(socket: EnvelopeSocket, session: Session): void {
    callSafely(
      () => storeSession(this._recovery!, socket, session),
      (error) => this._report(error, 'a session could not be kept'),
    );
  }
  /** @internal */
  _remove(socket: EnvelopeSocket): void {
    const failed = (error: unknown): void => this._report(error, 'the adapter failed');
    const { id, _userRoom: room } = socket;
    if (room !== undefined) callSafely(() => leaveUserRoom(this.adapter, room, id), failed);
    callSafely(() => this.adapter.delAll(id), failed);
    this._connecting.delete(socket);
    this.sockets.delete(socket.id);
  }
  /** @internal */
  _waitFor(promise: Promise<void>): void {
    this.disconnectHooks.add(promise);
    void promise.finally(() => this.disconnectHooks.delete(promise));
  }
  /** @internal */
  _warn(subject: string, text: string): void {
    this._config.services.warn(`${this.name}: ${subject}`, `${this.name}: ${text}`);
  }
  /** @internal */
  _report(error: unknown, where: string): void {
    this._config.services.report(error, `${this.name}: ${where}`);
  }
  /** @internal Those that were never asked for presence know who is there, too. */
  override _onServerSideEmit(args: unknown): void {
    if (Array.isArray(args) && String(args[0]).startsWith(PRESENCE)) void this.presence;
    super._onServerSideEmit(args);
  }
  /** @internal */
  _onClusterChange(listener: () => void): void {
    this._config.services.cluster.watch(this.adapter, listener);
  }
  private get broadcast(): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this);
  }
}
