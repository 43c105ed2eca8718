import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';
import type { Envelope, RequestId } from '../../protocol/envelope.js';
import type { Untyped } from '../../protocol/typed-events.js';
import type { EnvelopeSocket } from './envelope-socket.js';

/** What the running code works for: one message of one client. */
export class MessageContext {
  /** @internal */
  constructor(
    /** The client, as gateways get it. */
    readonly client: EnvelopeSocket,
    private readonly envelope: Envelope,
  ) {}

  /** A name for the connection in logs: its `x-request-id` header, else one that was made here. */
  get requestId(): string {
    return this.client.requestId;
  }
  /** The message's own id; `undefined` where it asks for no answer. */
  get id(): RequestId | undefined {
    const { id, packet } = this.envelope;
    return packet?.kind === 'event' ? undefined : id;
  }
  /** The event, or the pattern of a message of the microservice protocol. */
  get event(): unknown {
    return this.envelope.event ?? this.envelope.packet?.pattern;
  }
  /** What travels beside the payload: `meta` of an event, `metadata` of a message of the microservice protocol. */
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
  /** Whom a guard found the client to be. */
  get user(): Untyped {
    return this.client.user as Untyped;
  }
  /** Of the upgrade request. */
  get headers(): IncomingHttpHeaders {
    return this.client.headers;
  }
}

/** Entered only on paths whose option `messageContext` is on: on Node 20 it makes each promise of a process dearer. */
export const messageContexts = new AsyncLocalStorage<MessageContext>();

/**
 * The message that the running code works for, in any service, however deep below a handler; `undefined` outside of one,
 * and where the option `messageContext` is off.
 */
export function messageContext(): MessageContext | undefined {
  return messageContexts.getStore();
}
