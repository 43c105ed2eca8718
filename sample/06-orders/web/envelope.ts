import { createEnvelopeHooks } from 'nestjs-envelope/react';
import type { OrdersEmits, OrdersListens } from './events.js';

/** The hooks with the types of the gateway. */
export const {
  EnvelopeProvider,
  useSocket,
  useConnectionState,
  useEvent,
  useSubscription,
  usePresence,
  useOthers,
} = createEnvelopeHooks<OrdersListens, OrdersEmits>();
