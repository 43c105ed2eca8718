'use client';

import { createEnvelopeHooks } from './create-envelope-hooks.js';

export { createEnvelopeHooks } from './create-envelope-hooks.js';
export type { OtherState } from '../client/states.js';
export type { HistoryEvents, HistoryMessage, HistoryResult } from './history-types.js';
export type {
  CollectingStreamOptions,
  EnvelopeHooks,
  EnvelopeProviderProps,
  OthersResult,
  PresenceChange,
  PresenceEvents,
  PresenceMember,
  PresenceResult,
  Reducer,
  RequestOptions,
  RequestResult,
  StreamOptions,
  StreamResult,
  StreamState,
  SubscriptionOptions,
  SubscriptionResult,
} from './types.js';

const untyped = /* @__PURE__ */ createEnvelopeHooks();

/** The provider and hooks without types of events, as `createEnvelopeHooks` returns them. */
export const {
  EnvelopeProvider,
  useSocket,
  useConnectionState,
  useEvent,
  useRequest,
  useSubscription,
  useStream,
  usePresence,
  useOthers,
  useHistory,
} = untyped;
