import type { IncomingMessage } from 'node:http';
import type { Adapter } from 'socket.io-adapter';
import { CLOSE_CODES } from '../protocol/close-code.js';
import type {
  AnswerOf,
  DefaultEventsMap,
  EventNames,
  EventParams,
  EventsMap,
  Listener,
  RequestParams,
  Untyped,
  WithManyAnswers,
} from '../protocol/typed-events.js';
import { admit, type ServerMiddleware } from './admission.js';
import { attempt, UserEvents } from './attempt.js';
import { BroadcastOperator } from './broadcast-operator.js';
import type { ClusterStatus, Rooms } from './contract.js';
import type { Conversation } from './conversation.js';
import type { EnvelopeSocket } from './envelope.socket.js';
import { encodePacket } from './packet-encoder.js';
import { makeAdapter, type Mount } from './mount.js';
import type { Counters } from './receiver.js';
import { sayGoodbye, SHUTTING_DOWN } from './shutdown.js';
import { namespaceMap, type NamespaceMap } from './namespace-map.js';
import { emitToOtherNodes } from './other-nodes.js';
import type { SocketHost } from './socket-host.js';
import { SocketSet } from './socket-set.js';
import { keepSession, takeOver } from './resume.js';
import { TAKE_OVER, type Recovery } from './recovery.js';
import type { Session } from './session.js';

const RESERVED_ON_SERVER: ReadonlySet<string> = new Set(['connect', 'connection', 'new_namespace']);
const TOO_EARLY =
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
> implements SocketHost {
  /** The connected sockets by id; answers as Socket.IO's default namespace does, too. */
  readonly sockets: NamespaceMap<
    EnvelopeSocket<Listen, Emit, ServerSide, Data>,
    EnvelopeServer<Listen, Emit, ServerSide, Data>
  > = namespaceMap(this);
  /** The connected sockets, as `ws` has them: a live view. */
  readonly clients: SocketSet<EnvelopeSocket<Listen, Emit, ServerSide, Data>> = new SocketSet(this.sockets);
  /** What adapters make frames with: one broadcast is encoded and framed once, for all its recipients. */
  readonly encoder = { encode: encodePacket };
  /** What adapters read of Socket.IO's options. */
  opts: Readonly<Record<string, unknown>> = {};
  /** @internal From 1: a client that tests an id for truth must not lose the first request. */
  _ids = 1;
  /** @internal Why it is not mounted, once that is known. */
  _unmounted = TOO_EARLY;
  /** @internal */
  readonly _arriving = new Set<Conversation>();
  /** `handleDisconnect` calls that have not settled: closing waits for them. */
  private readonly farewells = new Set<Promise<void>>();
  private readonly events = new UserEvents((error, event) =>
    this._report(error, `a listener of "${event}" threw`),
  ).setMaxListeners(0);
  private readonly middlewares: ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>[] = [];
  private mounted: Mount<EnvelopeServer<Listen, Emit, ServerSide, Data>> | undefined;
  private rooms: Adapter | undefined;
  /** @internal */
  _recovery: Recovery | undefined;
  /** @internal Nobody is let in any more, and no new message is handled. */
  _isClosing = false;

  /** The full URL path, with the port in front (`:3005/ws`) only where it is not the application's. */
  get name(): string {
    return this._mount.name;
  }
  /** The rooms: an adapter of Socket.IO's contract. */
  get adapter(): Adapter {
    if (this.rooms === undefined) throw new Error(this._unmounted);
    return this.rooms;
  }
  /** How many clients are connected. */
  get engine(): { readonly clientsCount: number } {
    return { clientsCount: this.sockets.size };
  }
  /** What adapters take for the Socket.IO server. */
  get server(): this {
    return this;
  }
  /** How this server stands with the other nodes. */
  get cluster(): ClusterStatus {
    return this._mount.cluster(this.adapter);
  }
  /** What clients did that was not worth an answer, counted since the start. */
  get counters(): Readonly<Counters> {
    return this._mount.receiver.counters;
  }

  /** Sends one event to everybody. See {@link BroadcastOperator.emit}. */
  emit<Event extends EventNames<Emit>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<Emit>, Event>
  ): true {
    return this.everybody.emit(event, ...args);
  }
  /** Asks everybody. See {@link BroadcastOperator.emitWithAck}. */
  emitWithAck<Event extends EventNames<Emit>>(
    event: Event,
    ...args: RequestParams<Emit, Event>
  ): Promise<AnswerOf<Emit, Event>[]> {
    return this.everybody.emitWithAck(event, ...args);
  }
  /** The members of a room, or of several. */
  to(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.everybody.to(rooms);
  }
  /** The same as {@link to}. */
  in(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.everybody.to(rooms);
  }
  /** Everybody but the members of a room, or of several. */
  except(rooms: Rooms): BroadcastOperator<Emit, Data> {
    return this.everybody.except(rooms);
  }
  /** Everybody on this node. */
  get local(): BroadcastOperator<Emit, Data> {
    return this.everybody.local;
  }
  /** What follows is dropped, not queued, where a line takes no data at the moment of the call. */
  get volatile(): BroadcastOperator<Emit, Data> {
    return this.everybody.volatile;
  }
  /** Where `false`, leaves messages uncompressed on lines that negotiated permessage-deflate. */
  compress(compress: boolean): BroadcastOperator<Emit, Data> {
    return this.everybody.compress(compress);
  }
  /** How long, in milliseconds, a request waits for its answers. */
  timeout(timeout: number): BroadcastOperator<Emit, Data> {
    return this.everybody.timeout(timeout);
  }
  /** All sockets, on every node. */
  fetchSockets(): ReturnType<BroadcastOperator<Emit, Data>['fetchSockets']> {
    return this.everybody.fetchSockets();
  }
  /** Makes all sockets join a room, or several. */
  socketsJoin(rooms: Rooms): void {
    this.everybody.socketsJoin(rooms);
  }
  /** Makes all sockets leave a room, or several. */
  socketsLeave(rooms: Rooms): void {
    this.everybody.socketsLeave(rooms);
  }
  /** Disconnects all sockets. */
  disconnectSockets(close = false): void {
    this.everybody.disconnectSockets(close);
  }

  /** Sends an event to the servers of the same path on the other nodes; a last function gets `(error, answers)`. */
  serverSideEmit<Event extends EventNames<ServerSide>>(
    event: Event,
    ...args: EventParams<WithManyAnswers<ServerSide>, Event>
  ): boolean {
    if (RESERVED_ON_SERVER.has(event)) throw new Error(`"${event}" is a reserved event name`);
    const report = (error: unknown): void => this._report(error, `"${event}" to the other nodes failed`);
    emitToOtherNodes(this.adapter, event, args, report);
    return true;
  }
  /** Asks the servers of the same path on the other nodes. */
  serverSideEmitWithAck<Event extends EventNames<ServerSide>>(
    event: Event,
    ...args: RequestParams<ServerSide, Event>
  ): Promise<AnswerOf<ServerSide, Event>[]> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, answers: AnswerOf<ServerSide, Event>[]): void =>
        error === null ? resolve(answers) : reject(Object.assign(error, { responses: answers }));
      this.serverSideEmit(event, ...([...args, done] as Untyped));
    });
  }

  /** Adds a connection middleware: gets the socket and `next`; `next(error)` refuses the client. */
  use(middleware: ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>): this {
    this.middlewares.push(middleware);
    return this;
  }

  /** Listens for `connection` (or `connect`), and for what other nodes send with {@link serverSideEmit}. */
  on(
    event: 'connection' | 'connect',
    listener: (socket: EnvelopeSocket<Listen, Emit, ServerSide, Data>, request: IncomingMessage) => void,
  ): this;
  on(
    event: 'new_namespace',
    listener: (server: EnvelopeServer<Listen, Emit, ServerSide, Data>) => void,
  ): this;
  on<Event extends EventNames<ServerSide>>(event: Event, listener: Listener<ServerSide, Event>): this;
  on(event: string, listener: (...args: Untyped[]) => void): this {
    this.events.on(event, listener);
    return this;
  }
  once(event: string, listener: (...args: Untyped[]) => void): this {
    this.events.once(event, listener);
    return this;
  }
  off(event: string, listener: (...args: Untyped[]) => void): this {
    this.events.off(event, listener);
    return this;
  }

  /** The server of another path: `server.of('/chat')`. With a listener, that one hears its connections. */
  of(
    path: string | RegExp,
    listener?: (socket: EnvelopeSocket<Listen, Emit, ServerSide, Data>) => void,
  ): EnvelopeServer<Listen, Emit, ServerSide, Data> {
    const server = this._mount.of(path);
    if (listener !== undefined) server.on('connection', listener);
    return server;
  }

  /** Closes the connections of this path with 1001 and lets nobody in any more; the HTTP server goes on. */
  async close(callback?: (error?: Error) => void): Promise<void> {
    this._isClosing = true;
    await sayGoodbye(
      () => [...this._arriving, ...this.sockets.values()],
      this.farewells,
      this._mount.shutdownTimeout,
    );
    callback?.();
  }

  /** @internal Clients are let in once somebody listens for them: Nest makes servers that nobody ends up using. */
  get _wanted(): boolean {
    return this.events.listenerCount('connection') + this.events.listenerCount('connect') > 0;
  }
  /** @internal */
  get _isEmpty(): boolean {
    return this.sockets.size === 0 && this._arriving.size === 0;
  }
  /** @internal */
  get _connectionListeners(): ((...args: unknown[]) => void)[] {
    const own = [...this.events.rawListeners('connection'), ...this.events.rawListeners('connect')];
    return [...(this.mounted?.parent?._connectionListeners ?? []), ...own] as ((
      ...args: unknown[]
    ) => void)[];
  }
  /** @internal */
  get _middlewares(): readonly ServerMiddleware<EnvelopeSocket<Listen, Emit, ServerSide, Data>>[] {
    return [...(this.mounted?.parent?._middlewares ?? []), ...this.middlewares];
  }
  /** @internal */
  get _mount(): Mount<EnvelopeServer<Listen, Emit, ServerSide, Data>> {
    if (this.mounted === undefined) throw new Error(this._unmounted);
    return this.mounted;
  }
  /** @internal */
  _mountOn(mount: Mount<EnvelopeServer<Listen, Emit, ServerSide, Data>>): void {
    this.mounted = mount;
    const { recovery } = mount;
    if (recovery !== undefined) {
      const { maxDisconnectionDuration } = recovery;
      this.opts = { connectionStateRecovery: { maxDisconnectionDuration } };
    }
    this.rooms = makeAdapter(mount.adapter, this);
    this._recovery = recovery?.of(this.rooms, mount.name);
    // a cluster's broker may be away; this node's clients are served all the same
    Promise.resolve(this.rooms.init()).catch((error: unknown) =>
      this._report(error, 'the adapter failed to start'),
    );
  }

  /** @internal Never rejects: a broker that is away must not keep the rest from closing. */
  async _closeAdapter(): Promise<void> {
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
  _keep(socket: Conversation, session: Session): void {
    attempt(
      () => keepSession(this._recovery!, socket, session),
      (error) => this._report(error, 'a session could not be kept'),
    );
  }
  /** @internal */
  _remove(socket: Conversation): void {
    attempt(
      () => this.adapter.delAll(socket.id),
      (error) => this._report(error, 'the adapter failed'),
    );
    this._arriving.delete(socket);
    this.sockets.delete(socket.id);
  }
  /** @internal */
  _await(promise: Promise<void>): void {
    this.farewells.add(promise);
    void promise.finally(() => this.farewells.delete(promise));
  }
  /** @internal */
  _warn(subject: string, text: string): void {
    this._mount.warn(`${this.name}: ${subject}`, `${this.name}: ${text}`);
  }
  /** @internal */
  _report(error: unknown, where: string): void {
    this._mount.report(error, `${this.name}: ${where}`);
  }
  /** @internal Another node sent this: what nobody listens to is dropped, and so is what no node may send. */
  _onServerSideEmit(args: unknown): void {
    const [event, ...values]: unknown[] = Array.isArray(args) ? args : [];
    if (event === TAKE_OVER) return takeOver(this.sockets, values);
    if (typeof event !== 'string' || RESERVED_ON_SERVER.has(event)) return;
    if (this.events.listenerCount(event) === 0) return;
    attempt(
      () => this.events.emit(event, ...values),
      (error) => this._report(error, `a listener of "${event}" threw`),
    );
  }
  /** @internal */
  _announce(child: EnvelopeServer<Listen, Emit, ServerSide, Data>): void {
    attempt(
      () => this.events.emit('new_namespace', child),
      (error) => this._report(error, 'a listener of "new_namespace" threw'),
    );
  }
  private get everybody(): BroadcastOperator<Emit, Data> {
    return new BroadcastOperator(this);
  }
}
