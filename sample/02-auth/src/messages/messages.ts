import type { DefaultEventsMap, EnvelopeServer } from 'nestjs-envelope';
import type { UserSocket } from '../auth/user.js';

export interface Message {
  from: string;
  to: string;
  text: string;
  /** ISO 8601 */
  at: string;
}

/** The events that `/ws` emits. */
export interface Sent {
  message: (message: Message) => void;
  /** An administrator closes the connection. */
  'session-ended': (ended: { by: string }) => void;
}

/** The type of `client.data`, which all nodes of a cluster can read. */
export interface ClientData {
  user: string;
}

export type MessagesServer = EnvelopeServer<DefaultEventsMap, Sent, DefaultEventsMap, ClientData>;
export type MessagesSocket = UserSocket<Sent, ClientData>;

/** Returns the room of all connections of a user. */
export function roomOf(user: string): string {
  return `user:${user}`;
}
