import type { DefaultEventsMap, EnvelopeServer } from 'nestjs-envelope';
import { defineEvents, type EventsOf } from 'nestjs-envelope/contract';
import { PresenceChanged } from '../people/presence.js';
import { OrderChanged } from './order.js';

/** What the server emits by itself: for the contract, and for the compiler. */
export const events = defineEvents({ 'order.changed': OrderChanged, presence: PresenceChanged });

export type OrdersServer = EnvelopeServer<DefaultEventsMap, EventsOf<typeof events>>;
