import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Room } from 'socket.io-adapter';
import type { RawData } from 'ws';
import { CLOSE_CODES } from '../protocol/close-code.js';
import { decode, encodeEvent } from '../protocol/codec.js';
import { Refusal, UNLIMITED, type Envelope, type RequestId } from '../protocol/envelope.js';
import { OutgoingRequests, type AnswerCallback } from '../protocol/outgoing-requests.js';
import { assertEmittable } from '../protocol/reserved-events.js';
import type { Untyped } from '../protocol/typed-events.js';
import type { AnyListeners } from './any-listeners.js';
import { attempt, UserEvents } from './attempt.js';
import { BroadcastOperator } from './broadcast-operator.js';
import type { EmitFlags } from './contract.js';
import type { ClosedInfo, DisconnectReason } from './disconnect-reason.js';
import { Expiry } from './expiry.js';
import { Frame, type Outgoing } from './frame.js';
import { INTERNAL_ERROR, requestContext, type Asker, type IncomingRequest } from './incoming-request.js';
import { describeHeld, Intake } from './intake.js';
import { LINE_EVENTS, type Line } from './line.js';
import type { SocketHost } from './socket-host.js';
import type { Visitor } from './visitor.js';

/** A middleware of one socket: gets `[event, data]` of each message, may change it, and calls `next`. */
export type SocketMiddleware = (event: [string, ...Untyped[]], next: (error?: Error) => void) => void;

/** The machine under {@link EnvelopeSocket}: what waits, what was asked, who listens, and how it ends. */
export abstract class Conversation extends Intake implements Asker {
  /** Past the middlewares, and not gone. */
  connected = false;
  /** @internal Why it has gone, once it has. */
  _reason: DisconnectReason | undefined;
  /** @internal What the gateway side knows of this client's `handleConnection`, while that runs. */
  _hooks: unknown;
  /** @internal What ends the streams that this client did not give an `id` to. */
  _streams: Set<() => void> | undefined;
  /** @internal Malformed messages since the last good one. */
  _strikes = 0;
  /** @internal This client's requests that have no final answer yet. */
  _requests: Map<RequestId, IncomingRequest> | undefined;
  /** @internal */
  _middlewares: SocketMiddleware[] | undefined;
  /** @internal Nest's callbacks, one for each gateway: an emitter per client would cost ten times as much. */
  _disconnectCallbacks: ((reason: DisconnectReason) => void)[] | undefined;
  /** @internal Message handlers as Nest bound them, one list for each gateway. */
  _handlers: unknown[] | undefined;
  protected incoming: AnyListeners | undefined;
  protected outgoing: AnyListeners | undefined;
  protected events: EventEmitter | undefined;
  /** @internal What lets the client go that does not become ready in time. */
  _deadline: NodeJS.Timeout | undefined;
  /** @internal When the connection ends by itself. */
  _expiry: Expiry | undefined;
  private left = false;
  private asked: OutgoingRequests | undefined;
  private acksByAdapter: Map<number, (answer: unknown) => void> | undefined;

  constructor(
    request: IncomingMessage,
    /** The server that this client is connected to: its namespace. */
    readonly nsp: SocketHost,
    params: Record<string, string>,
    visitor: Visitor,
  ) {
    super(request, params, visitor, nsp._mount.limits);
  }

  /** The rooms that this client is in; its own id is one. */
  get rooms(): Set<Room> {
    return this.nsp.adapter.socketRooms(this.id) ?? new Set();
  }

  /** Where adapters leave the callbacks of room-wide requests. */
  get acks(): Map<number, (answer: unknown) => void> {
    this.readAnswers();
    return (this.acksByAdapter ??= new Map());
  }

  /** Where adapters write: the Engine.IO client of a Socket.IO socket. */
  get client(): { writeToEngine(frames: readonly Frame[], flags: EmitFlags): void } {
    return this;
  }

  /** @internal One broadcast, already framed; the same frame goes to every recipient. */
  writeToEngine(frames: readonly Frame[], flags: EmitFlags): void {
    if (flags.volatile === true && !this.outbox.writable) return;
    for (const frame of frames) {
      // the flags are those of the whole broadcast: the same for all who share the frame
      if (flags.compress === false) frame.compress = false;
      this._write(frame);
    }
  }

  /** @internal */
  notifyOutgoingListeners(packet: { data: unknown[] }): void {
    this.tellOutgoing(String(packet.data[0]), packet.data[1]);
  }

  /** Catch-all listeners see what goes over the wire: one payload, or none. */
  private tellOutgoing(event: string, data: unknown): void {
    const { outgoing } = this;
    if (outgoing === undefined) return;
    const failed = (error: unknown): void => this._report(error, `an outgoing listener threw at "${event}"`);
    attempt(() => outgoing.call(event, data === undefined ? [] : [data], failed), failed);
  }

  /** @internal Whether the client can still be reached. */
  override get _gone(): boolean {
    return this.left;
  }

  /** @internal */
  override get _inFlight(): number {
    return this._running + (this._requests?.size ?? 0);
  }

  /** @internal */
  _lasting(): Expiry {
    return (this._expiry ??= new Expiry((reason) => {
      this._end('server namespace disconnect', CLOSE_CODES.UNAUTHORIZED.code, reason);
    }));
  }

  /** @internal Everybody else. */
  _others(): BroadcastOperator<Untyped, Untyped> {
    return new BroadcastOperator(this.nsp, undefined, new Set([this.id]));
  }

  /** @internal */
  _write(item: Outgoing): void {
    if (!this.left) this.outbox.push(item);
  }

  /** @internal Sends before whatever the guards of the upgrade had to say. */
  _greet(text: string): void {
    this.outbox.pushFirst(text);
  }

  /** @internal */
  _emit(flags: EmitFlags, event: string, args: readonly unknown[]): boolean {
    const last = args.at(-1);
    if (typeof last !== 'function') return this.sendEvent(flags, event, args);
    const withError = flags.timeout !== undefined;
    // without a timeout the callback has no place for an error, and as in Socket.IO hears of answers only
    const callback: AnswerCallback = (error, data) => {
      if (!withError && error !== null) return;
      attempt(
        () => Reflect.apply(last, undefined, withError ? [error, data] : [data]) as unknown,
        (thrown) => this._report(thrown, `the callback of "${event}" threw`),
      );
    };
    return this.sendEvent(flags, event, args.slice(0, -1), callback);
  }

  /** @internal */
  _ask(flags: EmitFlags, event: string, args: readonly unknown[]): Promise<Untyped> {
    return new Promise((resolve, reject) => {
      this.sendEvent(flags, event, args, (error, data) => (error === null ? resolve(data) : reject(error)));
    });
  }

  private sendEvent(
    flags: EmitFlags,
    event: string,
    args: readonly unknown[],
    callback?: AnswerCallback,
  ): boolean {
    assertEmittable(event);
    const data = args.length > 1 ? args : args[0];
    if (event === 'exception' && this.failRequest(data)) return true;
    const id = callback === undefined ? undefined : this.nsp._ids++;
    const text = encodeEvent(event, data, id);
    if (this.left) {
      callback?.(new Error('the socket has been disconnected'));
      return false;
    }
    if (callback !== undefined) {
      (this.asked ??= new OutgoingRequests()).add(id!, callback, flags.timeout);
      this.readAnswers();
    }
    if (flags.volatile === true && !this.outbox.writable) return true;
    this.tellOutgoing(event, data);
    this.outbox.push(flags.compress === false ? new Frame(text, false) : text);
    return true;
  }

  /**
   * Sends as {@link Line.send}. Nest 12's own exception filter writes its exception this way, as finished JSON;
   * while a filter runs for a request, that is the request's answer.
   */
  override send(...[data, options, callback]: Parameters<Line['send']>): void {
    if (typeof data === 'string' && requestContext.getStore()?.failing === true) {
      const envelope = decode(data, UNLIMITED);
      if (!(envelope instanceof Refusal) && envelope.event === 'exception' && this.failRequest(envelope.data))
        return;
    }
    super.send(data, options, callback);
  }

  /** What an exception filter emits while a request is being handled is that request's answer. */
  private failRequest(payload: unknown): boolean {
    const request = requestContext.getStore();
    if (request === undefined || request.done || !request.isFrom(this)) return false;
    request.fail(payload);
    return true;
  }

  /** @internal An answer came in. */
  _settle({ ack, event, data }: Envelope): boolean {
    const failed = event === 'exception';
    if (this.asked?.settle(ack!, data, failed) === true) return true;
    const callback = this.acksByAdapter?.get(ack as number);
    if (callback === undefined) return false;
    this.acksByAdapter?.delete(ack as number);
    callback(data);
    return true;
  }

  /** @internal Runs the listeners of an event. @returns whether there was one */
  _listen(event: string, args: readonly unknown[]): boolean {
    const any = this.incoming !== undefined && this.callAny(this.incoming, event, args);
    // counted first: an emitter throws on an "error" that nobody listens to
    if (this.events === undefined || this.events.listenerCount(event) === 0) return any;
    return this.events.emit(event, ...args);
  }

  private callAny(listeners: AnyListeners, event: string, args: readonly unknown[]): boolean {
    // no word of the event, which is the client's choice
    return listeners.call(event, args, (error) => this._report(error, 'a catch-all listener threw'));
  }

  /** @internal */
  _finished(request: IncomingRequest): void {
    this._requests?.delete(request.id);
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

  protected override handle(data: RawData, isBinary: boolean): void {
    this.nsp._mount.receiver.receive(this, data, isBinary);
  }

  protected override takeAnswer(data: RawData, isBinary: boolean): boolean {
    const hasAsked = this.asked !== undefined || this.acksByAdapter !== undefined;
    return hasAsked && this.nsp._mount.receiver.takeAnswer(this, data, isBinary);
  }

  protected override get isAsking(): boolean {
    return this.asked?.isEmpty === false || (this.acksByAdapter !== undefined && this.acksByAdapter.size > 0);
  }

  protected override handleLate(envelope: Envelope): void {
    this.nsp._mount.receiver.receiveEvent(this, envelope);
  }

  protected override refuseFlood(data: RawData, isBinary: boolean): void {
    this.nsp._mount.receiver.refuseFlood(this, data, isBinary);
  }

  protected override endFlood(): void {
    this._end('server namespace disconnect', CLOSE_CODES.POLICY_VIOLATION.code, 'too many messages');
  }

  /** @internal */
  protected override tellHeld(): void {
    this.nsp._warn('maxInFlight', describeHeld(this._inFlight, this._requests?.values() ?? []));
  }

  /** @internal A handler's result, without an `id` to carry it to. Nothing, where there is no result. */
  _reply(event: string, data: unknown): void {
    if (data === undefined || data === null || this.left) return;
    try {
      this._write(encodeEvent(event, data));
    } catch (error) {
      this._report(error, `the result of "${event}" cannot be written as JSON`);
      return this._except(INTERNAL_ERROR);
    }
    this.tellOutgoing(event, data);
  }

  /** @internal An exception that answers no request. */
  _except(payload: object): void {
    let text: string;
    try {
      text = encodeEvent('exception', payload);
    } catch (error) {
      this._report(error, 'an exception cannot be written as JSON');
      text = encodeEvent('exception', INTERNAL_ERROR);
    }
    this._write(text);
  }

  /** @internal */
  override _leave(reason: DisconnectReason, closed: ClosedInfo): void {
    // not `left`: a "disconnecting" listener may end the connection once more
    if (this._reason !== undefined) return;
    this.outbox.flush();
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
    this.nsp._remove(this);
    this.abandonRequests();
    if (!wasConnected) return;
    this.emitLine('disconnect', reason, closed);
    for (const callback of this._disconnectCallbacks ?? []) this._tell(callback);
  }

  /** @internal Calls one of Nest's callbacks, when the client has gone. */
  _tell(callback: (reason: DisconnectReason) => void): void {
    attempt(
      () => callback(this._reason!),
      (error) => this._report(error, 'handleDisconnect threw'),
    );
  }

  private abandonRequests(): void {
    for (const request of this._requests?.values() ?? []) request.abandon();
    this._requests = undefined;
    for (const stop of this._streams ?? []) stop();
    this._streams = undefined;
    this.acksByAdapter = undefined;
    this.asked?.failAll(new Error('the socket has been disconnected'));
  }

  protected emitterOf(event: string): EventEmitter {
    return LINE_EVENTS.has(event)
      ? this.lineEmitter()
      : (this.events ??= new UserEvents((error, name, args) =>
          this.nsp._mount.receiver.listenerFailed(this, error, name, args),
        ));
  }
}
