import type { Envelope } from '../../protocol/envelope.js';
import type { AnswerCallback } from '../../protocol/pending-requests.js';
import { assertEmittable } from '../../protocol/reserved-events.js';
import type { Untyped } from '../../protocol/typed-events.js';
import { DisconnectedError } from '../../protocol/disconnected-error.js';
import { withCode } from '../../protocol/with-code.js';
import { channels, type EnvelopeDiagnostics } from '../diagnostics/channels.js';
import { currentTrace } from '../diagnostics/current-trace.js';
import type { ObservedSocket } from '../diagnostics/types.js';
import type { EmitFlags } from '../rooms/adapter-types.js';
import { BroadcastOperator } from '../rooms/broadcast-operator.js';
import type { Connection } from '../transport/connection.js';
import type { Encoded } from '../transport/encoding.js';
import { causedByClient } from '../util/client-errors.js';
import { callSafely } from '../util/safe-call.js';
import { Answers, MAX_UNANSWERED } from './answers.js';
import { INTERNAL_ERROR } from './incoming-request.js';
import type { NamespaceContract } from './namespace-contract.js';
import type { RequestTable } from './request-table.js';
import type { ResumableSession } from './resumable-session.js';
import { failRunningRequest } from './running-request.js';

/** What the outbound side needs of its socket. */
interface OutboundSocket extends Omit<ObservedSocket, 'nsp'> {
  readonly nsp: NamespaceContract;
  readonly _connection: Connection;
  readonly _lifecycle: { readonly isEnded: boolean; readonly inbound: { readAnswers(): void } | undefined };
  readonly _session: ResumableSession | undefined;
  readonly _requestsIfAny: RequestTable | undefined;
  _notifyOutgoing(event: string, args: readonly unknown[]): void;
  _report(error: unknown, where: string, event?: string): void;
}

/** Everything that is emitted to one client, and the requests to it that wait for an answer. */
export class Outbound {
  private answers: Answers | undefined;

  constructor(private readonly socket: OutboundSocket) {}

  /** Where adapters put the callbacks of room-wide requests. */
  get adapterCallbacks(): Map<number, (answer: unknown) => void> {
    this.socket._lifecycle.inbound?.readAnswers();
    return (this.answers ??= new Answers()).byAdapter;
  }

  /** Whether this side has ever asked. */
  get hasAsked(): boolean {
    return this.answers !== undefined;
  }

  /** Whether this side waits for answers. */
  get isAsking(): boolean {
    return this.answers?.isEmpty === false;
  }

  /** Takes an answer. @returns whether it was awaited */
  settle(envelope: Envelope): boolean {
    return this.answers?.settle(envelope) === true;
  }

  /** Fails every request that waits: the client has disconnected. */
  close(): void {
    this.answers?.failAll();
  }

  /** Sends one event; a last argument that is a function makes it a request. */
  emit(flags: EmitFlags, event: string, args: readonly unknown[]): boolean {
    const last = args.at(-1);
    if (typeof last !== 'function') return this.send(flags, event, args);
    const withError = flags.timeout !== undefined;
    // as in Socket.IO: without a timeout the callback has no parameter for an error, and is called with answers only
    const callback: AnswerCallback = (error, data, values = [data]) => {
      if (!withError && error !== null) return;
      callSafely(
        () => Reflect.apply(last, undefined, withError ? [error, ...values] : values) as unknown,
        (thrown) => this.socket._report(thrown, `the callback of "${event}" threw`, event),
      );
    };
    return this.send(flags, event, args.slice(0, -1), callback);
  }

  /** Sends a request and resolves with its answer. */
  ask(flags: EmitFlags, event: string, args: readonly unknown[]): Promise<Untyped> {
    return new Promise((resolve, reject) => {
      this.send(flags, event, args, (error, data, values = [data]) =>
        error === null ? resolve(values[0]) : reject(causedByClient(error)),
      );
    });
  }

  /** Returns an operator for every client but this one. */
  others(): BroadcastOperator<Untyped, Untyped> {
    return new BroadcastOperator(this.socket.nsp, undefined, new Set([this.socket.id]));
  }

  private send(
    flags: EmitFlags,
    event: string,
    args: readonly unknown[],
    callback?: AnswerCallback,
  ): boolean {
    const { socket } = this;
    assertEmittable(event);
    socket.nsp._config.gateway.checkEmit?.(event, args);
    if (event === 'exception' && failRunningRequest(socket, args.length > 1 ? args : args[0])) return true;
    const isLogged =
      callback === undefined &&
      flags.volatile !== true &&
      socket._session?.isLogging(socket.connected) === true;
    const meta = isLogged || !socket._lifecycle.isEnded ? this.publishEmit(event) : undefined;
    if (isLogged)
      return new BroadcastOperator(socket.nsp, new Set([socket.id]), undefined, flags)._emit(
        event,
        args,
        meta,
      );
    const id = callback === undefined ? undefined : socket.nsp._ids++;
    const { encoding, outbox } = socket._connection;
    const message = encoding.event(event, args, id, meta);
    if (socket._lifecycle.isEnded) {
      callback?.(new DisconnectedError('the socket has been disconnected'));
      return false;
    }
    if (callback !== undefined) {
      if (this.answers?.isFull === true) return this.refuseToAsk(callback);
      (this.answers ??= new Answers()).own.add(id!, callback, flags.timeout);
      socket._lifecycle.inbound?.readAnswers();
    }
    if (flags.volatile === true && !outbox.writable) {
      this.publishDrop();
      return true;
    }
    socket._notifyOutgoing(event, args);
    outbox.pushEncoded(message, flags.compress !== false);
    return true;
  }

  /** The client leaves too many requests without an answer. */
  private refuseToAsk(callback: AnswerCallback): boolean {
    const text =
      `a client has not answered ${MAX_UNANSWERED} requests: further ones are not sent. ` +
      'Set a timeout: client.timeout(5_000).emitWithAck(…)';
    this.socket.nsp._warn('requests without an answer', text);
    callback(withCode('ERR_ENVELOPE_TOO_MANY_REQUESTS', new Error(text)));
    return false;
  }

  /** @returns the `meta` that the observers want to send with the event */
  private publishEmit(event: string): object | undefined {
    if (!channels.emit.hasSubscribers) return undefined;
    const sent: EnvelopeDiagnostics['emit'] = { socket: this.socket, event };
    channels.emit.publish(sent);
    return sent.meta;
  }

  publishDrop(): void {
    if (channels.drop.hasSubscribers) channels.drop.publish({ socket: this.socket, why: 'volatile' });
  }

  /** Sends the result of a message without an `id`, if it has one. @param isLast whether nothing else is in flight */
  reply(event: string, data: unknown, isLast = false): void {
    const { socket } = this;
    if (data === undefined || data === null || socket._lifecycle.isEnded) return;
    const args = [data];
    try {
      const { encoding, outbox } = socket._connection;
      const message = encoding.event(event, args);
      if (isLast) outbox.pushLast(message);
      else outbox.pushEncoded(message);
    } catch (error) {
      currentTrace()?.fail(error);
      socket._report(error, `the result of "${event}" cannot be written as JSON`, event);
      return this.fail(INTERNAL_ERROR);
    }
    socket._notifyOutgoing(event, args);
  }

  /** Sends an exception that answers no request. */
  fail(payload: object): void {
    const { socket } = this;
    const { encoding, outbox } = socket._connection;
    let message: Encoded;
    try {
      message = encoding.event('exception', [payload]);
    } catch (error) {
      socket._report(error, 'an exception cannot be written as JSON');
      message = encoding.event('exception', [INTERNAL_ERROR]);
    }
    outbox.pushEncoded(message);
  }
}
