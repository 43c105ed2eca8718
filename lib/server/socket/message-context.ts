import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import type { Envelope, RequestId } from '../../protocol/envelope.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { EnvelopeSocket } from './envelope-socket.js';
import type { IncomingRequest } from './incoming-request.js';

/** The message that the running code handles, and its client. */
export class MessageContext {
  /** @internal The request of the message; `undefined`: it wants no answer. */
  _request: IncomingRequest | undefined;

  /** @internal */
  constructor(
    /** The client, as gateways get it. */
    readonly client: EnvelopeSocket,
    private readonly envelope: Envelope,
  ) {}

  /** A name for the connection in logs: its `x-request-id` header, else a UUID. */
  get requestId(): string {
    return this.client.requestId;
  }
  /** The id of the message; `undefined`: it wants no answer. */
  get id(): RequestId | undefined {
    const { id, packet } = this.envelope;
    return packet?.kind === 'event' ? undefined : id;
  }
  /** The event, or the pattern of a message of the microservice protocol. */
  get event(): unknown {
    return this.envelope.event ?? this.envelope.packet?.pattern;
  }
  /**
   * What the message carries beside its payload: `meta` of an event, `metadata` of a message of the microservice protocol.
   *
   * @example
   * const tenant = messageContext()?.meta['tenant'];
   */
  get meta(): Readonly<Record<string, unknown>> {
    return this.envelope.meta ?? this.envelope.packet?.metadata ?? {};
  }
  /** The trace that the message belongs to (W3C Trace Context): its own, else that of the upgrade request. */
  get traceparent(): string | undefined {
    const own = this.meta['traceparent'];
    if (typeof own === 'string') return own;
    const { traceparent } = this.headers;
    return typeof traceparent === 'string' ? traceparent : undefined;
  }
  /**
   * Aborts when the client cancels the message or disconnects, and when the server closes; never after the final answer. A
   * message without an `id` gets the signal of its connection. The `reason` is an `AbortError`, whose `cause` is `cancelled`,
   * `disconnected` or `server shutting down`. See `@Signal()`.
   * @example await fetch('https://example.com/report', { signal: messageContext()?.signal ?? null });
   */
  get signal(): AbortSignal {
    return this._request?.signal ?? this.client._requests.signal;
  }
  /** The user that a guard has set. @example const { name } = messageContext()?.user; */
  get user(): Untyped {
    return this.client.user as Untyped;
  }
  /** The headers of the upgrade request. @example const language = messageContext()?.headers['accept-language']; */
  get headers(): IncomingHttpHeaders {
    return this.client.headers;
  }
}

/** Entered only on paths with the option `messageContext`: on Node 20 it makes every promise of the process slower. */
export const messageContexts = new AsyncLocalStorage<MessageContext>();

/**
 * Returns the message that the running code handles, in any service that a handler calls; `undefined` outside of a handler,
 * and without the option `messageContext`.
 *
 * @example
 * logger.log({ requestId: messageContext()?.requestId, text: 'invoice sent' });
 */
export function messageContext(): MessageContext | undefined {
  return messageContexts.getStore();
}
