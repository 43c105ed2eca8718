/** Checked by `tsc`, never run: signals and order of handlers. */
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  messageContext,
  Ordered,
  Signal,
  type AbortCause,
  type AbortError,
  type EnvelopeOptions,
  type HandlerOutcome,
} from '../../lib/index.js';
import type { EnvelopeContext } from '../../lib/microservices/index.js';

@WebSocketGateway({ ordered: true })
export class TypedGateway {
  @Ordered()
  @SubscribeMessage('work')
  work(@Signal() signal: AbortSignal): AbortSignal {
    return messageContext()?.signal ?? signal;
  }
}

// @ts-expect-error it is for methods
@Ordered()
export class NoMethod {}

export const options: EnvelopeOptions = { ordered: false };
// @ts-expect-error true or false
export const wrong: EnvelopeOptions = { ordered: 'yes' };

export function causeOf(error: AbortError): AbortCause {
  const causes: readonly AbortCause[] = ['cancelled', 'disconnected', 'server shutting down'];
  return causes.includes(error.cause) ? error.cause : 'cancelled';
}

export const signalOf = (context: EnvelopeContext): AbortSignal => context.signal;
export const outcome: HandlerOutcome = 'cancelled';
