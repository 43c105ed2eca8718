import type { EventEmitter } from 'node:events';
import type { Room } from 'socket.io-adapter';
import type { Message } from '../transport/server-web-socket.js';
import { CLOSE_CODES } from '../../protocol/close-codes.js';
import { decode } from '../../protocol/codec.js';
import { Refusal, UNLIMITED, type Envelope, type RequestId } from '../../protocol/envelope.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { CatchAllListeners } from './catch-all-listeners.js';
import { assertEventName } from '../util/arguments.js';
import { callSafely, UserEvents } from '../util/safe-call.js';
import { channels, publishLimit } from '../diagnostics/channels.js';
import type { ClosedInfo, DisconnectReason } from '../transport/disconnect-reason.js';
import { ConnectionExpiry } from './connection-expiry.js';
import { nameOfUser } from '../handshake/user-identity.js';
import { requestContext, type Asker, type IncomingRequest } from './incoming-request.js';
import { describeHeld } from './inbound.js';
import type { Frame } from '../transport/frame.js';
import { CONNECTION_EVENTS, type Connection } from '../transport/connection.js';
import { runDetached } from '../util/detached.js';
import { withoutSession, type Resumption } from '../recovery/types.js';
import { Outbound } from './outbound.js';
import { beginSession, mayComeBack } from '../recovery/session.js';
import { currentTrace } from '../diagnostics/current-trace.js';
import { warnOfUnheardListener } from './unheard-listeners.js';
import { user } from '../handshake/user-name.js';
import { enterUserRoom, leaveUserRoom } from '../rooms/user-room.js';

/** A middleware of one socket: gets `[event, data]` of each message, may change it, and calls `next`. */
export type SocketMiddleware = (event: [string, ...Untyped[]], next: (error?: Error) => void) => void;

/** A handler, bound to its gateway and one client. */
export type BoundCallback = (...args: Untyped[]) => unknown;

/** Base class of EnvelopeSocket: tracks open requests, listeners, the session and the disconnect. */
export abstract class Conversation extends Outbound implements Asker {
  /** @internal Why it has gone, once it has. */
  _reason: DisconnectReason | undefined;
  /** @internal What the gateway side knows of this client's `handleConnection`, while that runs. */
  _hooks: unknown;
  /** @internal What ends the streams that this client did not give an `id` to. */
  _streams: Set<() => void> | undefined;
  /** @internal Messages without an `id` whose handlers may never come to an end: they have given many values, or may. */
  _streaming = 0;
  /** @internal Malformed messages since the last good one. */
  _strikes = 0;
  /** @internal This client's requests that have no final answer yet. */
  _requests: Map<RequestId, IncomingRequest> | undefined;
  /** @internal */
  _middlewares: SocketMiddleware[] | undefined;
  /** @internal Nest's callbacks, one for each gateway: an emitter per client would cost ten times as much. */
  _disconnectCallbacks: ((reason: DisconnectReason) => void)[] | undefined;
  /** @internal Message handlers as Nest bound them, those of all gateways one after the other. */
  _handlers: readonly BoundCallback[] | undefined;
  protected incoming: CatchAllListeners | undefined;
  protected events: EventEmitter | undefined;
  /** @internal What lets the client go that does not become ready in time. */
  _deadline: NodeJS.Timeout | undefined;
  /** @internal When the connection ends by itself. */
  _expiry: ConnectionExpiry | undefined;
  /** @internal The room of its user. */
  _userRoom: string | undefined;
  private left = false;

  /** The rooms that this client is in; its own id is one, the room of its user is not listed. */
  get rooms(): Set<Room> {
    return this.nsp.adapter.socketRooms(this.id) ?? new Set();
  }

  /** @internal Whether the client can still be reached. */
  override get _gone(): boolean {
    return this.left;
  }

  /** @internal */
  override get _inFlight(): number {
    return this._running + (this._requests?.size ?? 0);
  }

  protected override tellMessage(data: Message): void {
    channels.message.publish({ socket: this, bytes: Buffer.byteLength(data) });
  }

  /** @internal */
  _lasting(): ConnectionExpiry {
    return (this._expiry ??= new ConnectionExpiry((reason) => {
      this._end('server namespace disconnect', CLOSE_CODES.UNAUTHORIZED.code, reason);
    }));
  }

  /**
   * Sends as {@link Connection.send}. Nest 12's own exception filter writes its exception this way, as finished JSON;
   * while a filter runs for a request, that is the request's answer.
   */
  override send(...[data, options, callback]: Parameters<Connection['send']>): void {
    if (typeof data === 'string' && requestContext.getStore()?.failing === true) {
      const envelope = decode(data, UNLIMITED);
      if (!(envelope instanceof Refusal) && envelope.event === 'exception' && this.failRequest(envelope.data))
        return;
    }
    super.send(data, options, callback);
  }

  /** What an exception filter emits while a request is being handled is that request's answer. */
  protected override failRequest(payload: unknown): boolean {
    const request = requestContext.getStore();
    if (request === undefined || request.done || !request.isFrom(this)) return false;
    request.fail(payload);
    return true;
  }

  /** @internal Runs the listeners of an event. @returns whether there was one */
  _listen(event: string, args: readonly unknown[]): boolean {
    const any = this.incoming !== undefined && this.callAny(this.incoming, event, args);
    // counted first: an emitter throws on an "error" that nobody listens to
    if (this.events === undefined || this.events.listenerCount(event) === 0) return any;
    currentTrace()?.setDeclared(event);
    return this.events.emit(event, ...args);
  }

  private callAny(listeners: CatchAllListeners, event: string, args: readonly unknown[]): boolean {
    // no word of the event, which is the client's choice
    return listeners.call(event, args, (error) => this._report(error, 'a catch-all listener threw'));
  }

  /** @internal */
  _finished(request: IncomingRequest): void {
    // an empty map is not kept, see Reply
    if (this._requests?.delete(request.id) === true && this._requests.size === 0) this._requests = undefined;
    this._settled();
  }

  /** @internal A middleware of this socket refused a message: Socket.IO's `error` event. */
  _fail(error: Error): void {
    this.emitLine('error', error);
  }

  /** @internal */
  override _report(error: unknown, where: string): void {
    this.nsp._report(error, where);
  }

  protected override handle(data: Message, isBinary: boolean): void {
    this.nsp._mount.router.receive(this, data, isBinary);
  }

  protected override takeAnswer(data: Message, isBinary: boolean): boolean {
    return this.answers !== undefined && this.nsp._mount.router.takeAnswer(this, data, isBinary);
  }

  protected override handleLate(envelope: Envelope): void {
    runDetached(() => this.nsp._mount.router.receiveEvent(this, envelope));
  }

  protected override refuseFlood(data: Message, isBinary: boolean): void {
    this.nsp._mount.router.refuseFlood(this, data, isBinary);
  }

  /** @internal */
  override _overflow(): void {
    publishLimit('maxBufferedBytes', this);
    if (channels.drop.hasSubscribers) channels.drop.publish({ socket: this, why: 'maxBufferedBytes' });
    super._overflow();
  }

  /** @internal */
  override _onError(error: Error): void {
    tellFrameLimit(error, this);
    super._onError(error);
  }

  protected override endFlood(): void {
    this._end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, 'too many messages');
  }

  /** @internal */
  protected override tellHeld(): void {
    publishLimit('maxInFlight', this);
    this.nsp._warn('maxInFlight', describeHeld(this._inFlight, this._requests?.values() ?? []));
  }

  /** @internal */
  override _leave(reason: DisconnectReason, closed: ClosedInfo): void {
    // not `left`: a "disconnecting" listener may end the connection once more
    if (this._reason !== undefined) return;
    const isKept = this._session !== undefined && this.connected && mayComeBack(reason, closed);
    this.outbox.close(isKept);
    // that may have been too much for a slow reader: then it has an end already
    if (this._reason !== undefined) return;
    this.closed = closed;
    this._reason = reason;
    const wasConnected = this.connected;
    if (wasConnected) this.emitLine('disconnecting', reason, closed);
    this.left = true;
    this.connected = false;
    this.dropWaiting();
    clearTimeout(this._deadline);
    this._expiry?.stop();
    if (isKept) this.nsp._keep(this, this._session!);
    if (!wasConnected) this._resumption?.giveBack(this._session?.token);
    this.nsp._remove(this);
    this.abandonRequests();
    if (!wasConnected) return;
    if (channels.disconnect.hasSubscribers) channels.disconnect.publish({ socket: this, reason, closed });
    this.nsp._mount.connections.went(this, reason, closed);
    this.emitLine('disconnect', reason, closed);
    for (const callback of this._disconnectCallbacks ?? []) this._tell(callback);
  }

  /** @internal The client is told of a token to come back with. */
  _beginSession(position: string): void {
    const { token, changes } = this._resumption?.session ?? {};
    this._session = beginSession(this.id, position, token, changes);
  }

  /** Asks for a sign that the client has its new token: the one that it showed is void then. */
  private askForReceipt(): void {
    if (this._session?.shown === undefined) return;
    this._pingedAt = this._session.askedAt = performance.now();
    this.ping();
  }

  /** @internal What the client may show to come back: the token that it was told, and the one before while it may not know. */
  get _tokens(): [token?: string, former?: string] {
    if (this._session === undefined) return [];
    const { token, shown, askedAt } = this._session;
    return shown !== undefined && this._pingedAt === askedAt ? [token, shown] : [token];
  }

  /** @internal It is one that was here before. What the guards wrote just now wins over what was. */
  _comeBack(resumption: Resumption): void {
    const { id, data } = resumption.session;
    this._resumption = resumption;
    this.moveTo(id);
    const fresh: unknown = Reflect.get(this, 'data');
    if (data === undefined || data === null || !isObject(fresh)) return;
    // what a handler has frozen is a copy from then on
    const own = isObject(data) && !Object.isExtensible(data) ? { ...data } : data;
    if (isObject(own)) Reflect.set(this, 'data', Object.assign(own, fresh));
    else if (Reflect.ownKeys(fresh).length === 0) Reflect.set(this, 'data', data);
  }

  /** Guards ran before, and may have made it join rooms under the id that it had then. */
  private moveTo(id: string): void {
    const { adapter } = this.nsp;
    const former = this.id;
    this.assumeId(id);
    const rooms = adapter.socketRooms(former);
    if (rooms === undefined) return;
    const joined = new Set(rooms);
    callSafely(
      () => {
        adapter.delAll(former);
        return adapter.addAll(id, joined);
      },
      (error) => this._report(error, 'the adapter failed'),
    );
  }

  /** @internal Its user may be known now, or another one. */
  _joinUserRoom(): void {
    const failed = (error: unknown): void =>
      this._report(error, 'a client could not join the room of its user');
    const name = nameOfUser(this);
    const room = name === undefined ? undefined : user(name);
    const { _userRoom: former } = this;
    if (room === former) return;
    this._userRoom = room;
    const { adapter } = this.nsp;
    if (former !== undefined) callSafely(() => leaveUserRoom(adapter, former, this.id), failed);
    if (room !== undefined) callSafely(() => enterUserRoom(adapter, room, this), failed);
  }

  /**
   * @internal Sends `$session`, what a client that resumes has missed, and then what guards and middlewares emitted.
   *
   * @param later what came since the resumption began
   */
  _greet(hello: string, later: readonly Frame[]): void {
    const early = this.outbox.take();
    this.outbox.push(hello);
    this._startWriting();
    this.askForReceipt();
    this.replay(later);
    for (const item of early) this.outbox.push(item);
  }

  private replay(later: readonly Frame[]): void {
    const { _resumption: resumption, _session: session } = this;
    if (resumption === undefined || session === undefined) return;
    const { missed, bytes } = resumption;
    this.outbox.pushMissed(missed, bytes);
    session.sent = missed.at(-1)?.offset ?? session.sent;
    for (const frame of later) this.writeKept(frame);
    this._tellPosition();
  }

  /** @internal It is connected, and has what it missed. */
  _resumed(): void {
    if (this._resumption !== undefined) this._resumption = withoutSession(this._resumption);
  }

  /** @internal Calls one of Nest's callbacks, when the client has gone. */
  _tell(callback: (reason: DisconnectReason) => void): void {
    callSafely(
      () => callback(this._reason!),
      (error) => this._report(error, 'handleDisconnect threw'),
    );
  }

  private abandonRequests(): void {
    for (const request of this._requests?.values() ?? []) request.abandon();
    this._requests = undefined;
    for (const stop of this._streams ?? []) stop();
    this._streams = undefined;
    this.answers?.failAll();
  }

  protected emitterIfAny(event: string): EventEmitter | undefined {
    assertEventName('EnvelopeSocket', event);
    return CONNECTION_EVENTS.has(event) ? this.lineEvents : this.events;
  }

  protected emitterOf(event: string): EventEmitter {
    assertEventName('EnvelopeSocket', event);
    warnOfUnheardListener(this.nsp, event);
    return CONNECTION_EVENTS.has(event)
      ? this.lineEmitter()
      : (this.events ??= new UserEvents((error, name, args) =>
          this.nsp._mount.router.listenerFailed(this, error, name, args),
        ));
  }
}

/** What `ws` refuses by itself. */
const FRAME_LIMITS: Readonly<Record<string, string>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'maxPayload',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'maxFragments',
};

function tellFrameLimit(error: Error, socket: Conversation): void {
  const limit = FRAME_LIMITS[String(Reflect.get(error, 'code'))];
  if (limit !== undefined) publishLimit(limit, socket);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
