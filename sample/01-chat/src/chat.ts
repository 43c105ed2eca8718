import type { DefaultEventsMap, EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';

/** The room that everybody is in at first. */
export const LOBBY = 'lobby';
/** How many rooms one client may be in: each may have a history, and room names are the clients' choice. */
export const MAX_ROOMS = 20;
/** Characters of a room's or a person's name. */
export const MAX_NAME = 40;
/** Characters of a message. */
export const MAX_TEXT = 2_000;

export interface ChatMessage {
  author: string;
  text: string;
  /** ISO 8601 */
  at: string;
}

export interface People {
  room: string;
  names: string[];
}

/** What the server sends unasked. */
export interface ServerToClient {
  message: (message: ChatMessage & { room: string }) => void;
  said: (message: ChatMessage & { rooms: string[] }) => void;
  typing: (typing: { author: string; room: string }) => void;
  people: (people: People) => void;
  announcement: (announcement: { text: string; at: string }) => void;
}

/** What the server keeps with a client. */
export interface ClientData {
  name?: string;
}

export type ChatServer = EnvelopeServer<DefaultEventsMap, ServerToClient, DefaultEventsMap, ClientData>;
export type ChatSocket = EnvelopeSocket<DefaultEventsMap, ServerToClient, DefaultEventsMap, ClientData>;
