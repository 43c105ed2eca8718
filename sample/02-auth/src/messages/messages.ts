import type { DefaultEventsMap, EnvelopeServer } from 'nestjs-envelope';
import type { UserSocket } from '../auth/user.js';

export interface Message {
  from: string;
  to: string;
  text: string;
  /** ISO 8601 */
  at: string;
}

/** What `/ws` sends unasked. */
export interface Sent {
  message: (message: Message) => void;
  /** An administrator ends the connection. */
  goodbye: (goodbye: { by: string }) => void;
}

/** What all nodes of a cluster see of a client. */
export interface Known {
  user: string;
}

export type MessagesServer = EnvelopeServer<DefaultEventsMap, Sent, DefaultEventsMap, Known>;
export type MessagesSocket = UserSocket<Sent, Known>;

/** The room of all connections of a user. */
export function roomOf(user: string): string {
  return `user:${user}`;
}
