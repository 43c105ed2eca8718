import type { DefaultEventsMap, EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';

/** The room that each client joins when it connects. */
export const LOBBY = 'lobby';
/** The maximum number of rooms per client: clients choose the names, and each room keeps a history. */
export const MAX_ROOMS = 20;
/** The maximum length of the name of a room or a person, in characters. */
export const MAX_NAME = 40;
/** The maximum length of a message, in characters. */
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

/** The events that the server emits. */
export interface ServerToClient {
  message: (message: ChatMessage & { room: string }) => void;
  said: (message: ChatMessage & { rooms: string[] }) => void;
  typing: (typing: { author: string; room: string }) => void;
  people: (people: People) => void;
  announcement: (announcement: { text: string; at: string }) => void;
}

/** The type of `client.data`. */
export interface ClientData {
  name?: string;
}

export type ChatServer = EnvelopeServer<DefaultEventsMap, ServerToClient, DefaultEventsMap, ClientData>;
export type ChatSocket = EnvelopeSocket<DefaultEventsMap, ServerToClient, DefaultEventsMap, ClientData>;
