import type { SubscriptionState } from '../client/subscription.js';
import type { EventNames, EventsMap } from '../protocol/typed-events.js';

/** The events of an application that carry a room with a history, for {@link EnvelopeHooks.useHistory}. */
export interface HistoryEvents<Listen extends EventsMap, Emit extends EventsMap> {
  /**
   * The client requests this event to enter the room; the server answers with what `client.join(room, { after, rewind })`
   * returned.
   */
  enter: EventNames<Emit>;
  /** The client sends this event, with the same data, when no component shows the room any more. */
  leave: EventNames<Emit>;
  /** The event of the messages. */
  event: EventNames<Listen>;
  /** How many messages are kept; older ones are forgotten. Default: 500. */
  limit?: number | undefined;
}

/** A message of a room with a history. */
export interface HistoryMessage<Data> {
  /** Unlike that of all other messages of the room: the `key` of its element. */
  readonly position: string;
  /** Its payload; a list if it has several. */
  readonly data: Data;
}

/** The result of {@link EnvelopeHooks.useHistory}. */
export interface HistoryResult<Data> {
  /** The messages that the server replayed, and those since then, in the order of their arrival. */
  readonly messages: readonly HistoryMessage<Data>[];
  /** `false` if messages may be missing, before or between these; `undefined` before the first answer. */
  readonly complete: boolean | undefined;
  /** The exception with which the server refused the room. */
  readonly error: Error | undefined;
  /** As of {@link SubscriptionResult}. */
  readonly state: SubscriptionState;
}
