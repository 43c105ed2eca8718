import type { IncomingMessage } from 'node:http';
import { encodeEvent } from '../../protocol/codec.js';
import type { Envelope } from '../../protocol/envelope.js';
import type { AnswerCallback } from '../../protocol/pending-requests.js';
import { assertEmittable } from '../../protocol/reserved-events.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { Answers, MAX_UNANSWERED } from './answers.js';
import type { CatchAllListeners } from './catch-all-listeners.js';
import { callSafely } from '../util/safe-call.js';
import { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { EmitFlags } from '../rooms/adapter-types.js';
import { channels, type EnvelopeDiagnostics } from '../diagnostics/channels.js';
import { Frame, type Outgoing } from '../transport/frame.js';
import type { Grant } from '../handshake/grant.js';
import { INTERNAL_ERROR } from './incoming-request.js';
import { Inbound } from './inbound.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import { withChange, type RoomChange } from '../recovery/membership.js';
import type { Resumption } from '../recovery/types.js';
import { REVOKED } from '../rooms/target.js';
import type { Session } from '../recovery/session.js';
import type { NamespaceContract } from './namespace-contract.js';
import { currentTrace } from '../diagnostics/current-trace.js';
import type { ClientInfo } from '../handshake/client-info.js';

/** Half of the machine under a socket: all that goes to the client, and what this side asked it. */
export abstract class Outbound extends Inbound {
  /** Past the middlewares, and not gone. */
  connected = false;
  /** @internal What the client may come back to. */
  _session: Session | undefined;
  /** @internal What its guards granted it, once they have; of clients that may come back, or have guards. */
  _grant: Grant | undefined;
  /** @internal Takes back what guards have written for a `$auth` that they have not come to an end with. */
  _undoAuth: (() => void) | undefined;
  /** @internal What it has come back to. */
  _resumption: Resumption | undefined;
  protected outgoing: CatchAllListeners | undefined;
  protected answers: Answers | undefined;

  constructor(
    request: IncomingMessage,
    /** The server that this client is connected to: its namespace. */
    readonly nsp: NamespaceContract,
    params: Record<string, string>,
    visitor: ClientInfo,
  ) {
    super(request, params, visitor, limitsOf(nsp));
  }

  /** What an exception filter emits for a request is its answer. @returns whether it was */
  protected abstract failRequest(payload: unknown): boolean;

  /** Where adapters leave the callbacks of room-wide requests. */
  get acks(): Map<number, (answer: unknown) => void> {
    this.readAnswers();
    return (this.answers ??= new Answers()).byAdapter;
  }

  /** @internal One broadcast, already framed; the same frame goes to every recipient. */
  writeToEngine(frames: readonly Frame[], flags: EmitFlags): void {
    if (flags.volatile === true && !this.outbox.writable) return this.tellDropped();
    for (const frame of frames) {
      // the flags are those of the whole broadcast: the same for all who share the frame
      if (flags.compress === false) frame.compress = false;
      if (this._session === undefined) this._write(frame);
      else if (!this._gone) this.writeKept(frame);
    }
  }

  protected writeKept(frame: Frame): void {
    if (frame.unplaced !== undefined) this.outbox.pushUnplaced(frame);
    else if (frame.offset === undefined) this.outbox.push(frame);
    else if (this._isNew(frame.offset)) this.outbox.pushPlaced(frame.positioned);
  }

  /** @internal A message has its place in the log now. @returns whether the client has not had it yet */
  override _isNew(offset: string): boolean {
    if (this._resumption?.has(offset) === true) return false;
    if (this._session !== undefined) this._session.sent = offset;
    return true;
  }

  /**
   * @internal What the client would miss begins here: it was told, or it did not concern it. Without that, a client
   * that comes back to a room that it has just joined would get what was said there before.
   */
  _tellPosition(): void {
    const { _session: session } = this;
    const position = this.nsp._recovery?.position;
    if (session === undefined || position === undefined) return;
    // a node that the client has just come to may be behind in the log
    if (this.nsp._recovery?.isLater(position, session.sent) !== true) return;
    session.sent = position;
    this.outbox.pushPlaced(new Frame('{"event":"$offset"}', true, position).positioned);
  }

  /**
   * @internal Its rooms change now: what was said before in rooms that it joins is not what it would miss. It may not
   * hear of the position, where its connection is dead.
   *
   * @param change `undefined`: it is not known which
   */
  _tellRooms(change?: Omit<RoomChange, 'at'>): void {
    this._tellPosition();
    const { _session: session } = this;
    const at = this.nsp._recovery?.position;
    if (session === undefined || at === undefined) return;
    let forgotten: string | undefined = at;
    if (change !== undefined)
      ({ changes: session.changes, forgotten } = withChange(session.changes, { at, ...change }));
    if (forgotten !== undefined && this.nsp._recovery?.isLater(forgotten, session.from) === true)
      session.from = forgotten;
  }

  /** @internal */
  notifyOutgoingListeners(packet: { data: unknown[] }): void {
    if (packet.data[0] !== REVOKED) this.tellOutgoing(String(packet.data[0]), packet.data[1]);
  }

  /** Catch-all listeners see what goes over the wire: one payload, or none. */
  private tellOutgoing(event: string, data: unknown): void {
    const { outgoing } = this;
    if (outgoing === undefined) return;
    const failed = (error: unknown): void => this._report(error, `an outgoing listener threw at "${event}"`);
    callSafely(() => outgoing.call(event, data === undefined ? [] : [data], failed), failed);
  }

  /** @internal Everybody else. */
  _others(): BroadcastOperator<Untyped, Untyped> {
    return new BroadcastOperator(this.nsp, undefined, new Set([this.id]));
  }

  /** @internal */
  _write(item: Outgoing): void {
    if (!this._gone) this.outbox.push(item);
  }

  /** @internal */
  _emit(flags: EmitFlags, event: string, args: readonly unknown[]): boolean {
    const last = args.at(-1);
    if (typeof last !== 'function') return this.sendEvent(flags, event, args);
    const withError = flags.timeout !== undefined;
    // without a timeout the callback has no place for an error, and as in Socket.IO hears of answers only
    const callback: AnswerCallback = (error, data) => {
      if (!withError && error !== null) return;
      callSafely(
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
    const isKept = this.isKeptFor(callback, flags);
    const meta = isKept || !this._gone ? this.tellEmit(event) : undefined;
    if (isKept)
      return new BroadcastOperator(this.nsp, new Set([this.id]), undefined, flags)._emit(event, args, meta);
    const id = callback === undefined ? undefined : this.nsp._ids++;
    const text = encodeEvent(event, data, id, false, meta);
    if (this._gone) {
      callback?.(new Error('the socket has been disconnected'));
      return false;
    }
    if (callback !== undefined) {
      if (this.answers?.isFull === true) return this.refuseToAsk(callback);
      (this.answers ??= new Answers()).own.add(id!, callback, flags.timeout);
      this.readAnswers();
    }
    if (flags.volatile === true && !this.outbox.writable) {
      this.tellDropped();
      return true;
    }
    this.tellOutgoing(event, data);
    this.outbox.push(flags.compress === false ? new Frame(text, false) : text);
    return true;
  }

  /** The client leaves requests without an answer. */
  private refuseToAsk(callback: AnswerCallback): boolean {
    const text =
      `a client has not answered ${MAX_UNANSWERED} requests: further ones are not sent. ` +
      'Set a timeout: client.timeout(5_000).emitWithAck(…)';
    this.nsp._warn('requests without an answer', text);
    callback(new Error(text));
    return false;
  }

  /** @returns what is to travel beside the payload */
  private tellEmit(event: string): object | undefined {
    if (!channels.emit.hasSubscribers) return undefined;
    const sent: EnvelopeDiagnostics['emit'] = { socket: this, event };
    channels.emit.publish(sent);
    return sent.meta;
  }

  private tellDropped(): void {
    if (channels.drop.hasSubscribers) channels.drop.publish({ socket: this, why: 'volatile' });
  }

  /** What a client can come back to goes through the log, also while it is away. */
  private isKeptFor(callback: unknown, flags: EmitFlags): boolean {
    if (this._session === undefined || callback !== undefined || flags.volatile === true) return false;
    return this.connected || this._session.isKept;
  }

  /** @internal An answer came in. */
  _settle(envelope: Envelope): boolean {
    return this.answers?.settle(envelope) === true;
  }

  protected override get isAsking(): boolean {
    return this.answers?.isEmpty === false;
  }

  /** @internal A handler's result, without an `id` to carry it to. Nothing, where there is no result. */
  _reply(event: string, data: unknown): void {
    if (data === undefined || data === null || this._gone) return;
    try {
      this._write(encodeEvent(event, data));
    } catch (error) {
      currentTrace()?.fail(error);
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
}

/** @throws TypeError where a socket is made by hand */
function limitsOf(nsp: NamespaceContract | undefined): ConnectionLimits {
  const mount = (Object(nsp) as Partial<NamespaceContract>)._mount;
  if (mount === undefined)
    throw new TypeError('EnvelopeSocket: nsp is missing: EnvelopeAdapter makes a socket for each connection');
  return mount.limits;
}
