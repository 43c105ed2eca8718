import { CLOSE_CODES } from '../../protocol/close-codes.js';
import type { RequestId } from '../../protocol/envelope.js';
import type { Connection } from '../transport/connection.js';
import type { Encoded, Encoding } from '../transport/encoding.js';
import type { DisconnectReason } from '../transport/disconnect-reason.js';
import { createAbortController } from './abort-controller.js';
import { AbortError, type AbortCause } from './abort-error.js';
import type { Asker, IncomingRequest } from './incoming-request.js';

/** What a request table needs of its socket. */
interface RequestSocket {
  readonly _connection: Connection;
  readonly _lifecycle: {
    readonly inbound: { readonly hasWaiting: boolean; runWaiting(): void } | undefined;
    /** Why the client has disconnected; `undefined` before. */
    readonly reason: DisconnectReason | undefined;
  };
  _end(reason: DisconnectReason, code?: number, text?: string): void;
  _report(error: unknown, where: string, event?: string): void;
}

/** The messages of one client that are in flight: open requests, running handlers, and streams. */
export class RequestTable implements Asker {
  /** Messages without an `id` whose handlers have not ended. */
  running = 0;
  /** How many of them have returned a source of many values, which may never end. */
  streaming = 0;
  private open: Map<RequestId, IncomingRequest> | undefined;
  /** Functions that end the sources of messages without an `id`. */
  private stops: Set<() => void> | undefined;
  /** Made when a handler of a message without an `id` asks for the signal. */
  private controller: AbortController | undefined;

  constructor(private readonly socket: RequestSocket) {}

  /** How many messages are in flight. */
  get inFlight(): number {
    return this.running + (this.open?.size ?? 0);
  }

  /** Whether one message is in flight, and no other waits. */
  get isLast(): boolean {
    return this.inFlight === 1 && this.socket._lifecycle.inbound?.hasWaiting !== true;
  }

  /** How many requests have no final answer yet. */
  get size(): number {
    return this.open?.size ?? 0;
  }

  values(): Iterable<IncomingRequest> {
    return this.open?.values() ?? NO_REQUESTS;
  }

  has(id: RequestId): boolean {
    return this.open?.has(id) === true;
  }

  get(id: RequestId): IncomingRequest | undefined {
    return this.open?.get(id);
  }

  /** Ends the connection of a client that uses an id which is in flight. @returns whether it did */
  endIfDuplicate(id: RequestId): boolean {
    const isDuplicate = this.has(id);
    if (isDuplicate)
      this.socket._end('server namespace disconnect', CLOSE_CODES.DUPLICATE_ID.code, 'id already in flight');
    return isDuplicate;
  }

  add(request: IncomingRequest): void {
    (this.open ??= new Map()).set(request.id, request);
  }

  /** A request has its final answer: messages that wait may run. */
  finished(request: IncomingRequest): void {
    // an empty map is not kept, see onStop
    if (this.open?.delete(request.id) === true && this.open.size === 0) this.open = undefined;
    this.socket._lifecycle.inbound?.runWaiting();
  }

  /** The handlers of a message without an `id` have ended: messages that wait may run. */
  ended(isStream: boolean): void {
    if (isStream) this.streaming--;
    this.running--;
    this.socket._lifecycle.inbound?.runWaiting();
  }

  linger(): void {
    this.running++;
  }

  /** The signal for handlers of messages without an `id`: it aborts when the client disconnects. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = createAbortController((error) => this.report(error, 'a listener of a signal threw'));
      if (this.socket._lifecycle.reason !== undefined) this.abort();
    }
    return this.controller.signal;
  }

  /** Whether a handler has asked for that signal, and it was aborted. */
  get isAborted(): boolean {
    return this.controller?.signal.aborted === true;
  }

  get abortCause(): AbortCause {
    const { reason } = this.socket._lifecycle;
    return reason === 'server shutting down' ? reason : 'disconnected';
  }

  private abort(): void {
    this.controller?.abort(new AbortError(this.abortCause));
  }

  encode(event: string, data: unknown, id: RequestId, more: boolean): Encoded {
    return this.socket._connection.encoding.answer(event, data, id, more);
  }

  encodePacket(...answer: Parameters<Encoding['packet']>): Encoded {
    return this.socket._connection.encoding.packet(...answer);
  }

  send(message: Encoded, isLast = false): void {
    const { outbox } = this.socket._connection;
    if (isLast) outbox.pushLast(message);
    else outbox.pushEncoded(message);
  }

  report(error: unknown, where: string): void {
    this.socket._report(error, where);
  }

  /** Adds a function that ends the source of a message without an `id`. @returns a function that removes it */
  onStop(stop: () => void): () => void {
    const stops = (this.stops ??= new Set());
    stops.add(stop);
    return () => {
      // An empty set is not kept: as long as it lives, each table that it has outgrown keeps the next one from the
      // garbage collector, with everything that was in it (a third of the time of messages behind an interceptor).
      if (stops.delete(stop) && stops.size === 0 && this.stops === stops) this.stops = undefined;
    };
  }

  /** How many sources of messages without an `id` are open. */
  get streams(): number {
    return this.stops?.size ?? 0;
  }

  /**
   * Whether a handler is running. A source of many values may never end, and does not count.
   *
   * @param except a request that does not count either
   */
  isBusy(except?: IncomingRequest): boolean {
    if (this.running > this.streaming) return true;
    for (const request of this.values()) if (request !== except && !request.isStreaming) return true;
    return false;
  }

  /** Ends all sources, and answers nothing more: the client has disconnected. */
  abandon(): void {
    for (const request of this.values()) request.abandon();
    this.open = undefined;
    for (const stop of this.stops ?? []) stop();
    this.stops = undefined;
    this.abort();
  }
}

const NO_REQUESTS: readonly IncomingRequest[] = [];
