import { hostname } from 'node:os';
import type { ClusterStatus, DefaultEventsMap, EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';

/** The one room that there is. */
export const ROOM = 'room';
/** This process, as all others know it. */
export const WORKER = `${process.pid}@${hostname()}`;

/** What the server keeps with a member of the room; all workers see it. */
export interface Member {
  name: string;
  worker: string;
}

export interface Message extends Member {
  text: string;
}

/** The members on one worker. */
export interface Crew {
  worker: string;
  names: string[];
}

export interface Roster {
  /** `away`: Redis does not answer, and each worker is alone with its own clients. */
  state: ClusterStatus['state'];
  /** How many workers there are, those without clients included. */
  nodes: number;
  crews: Crew[];
}

/** What the server sends unasked. */
export interface ServerToClient {
  message: (message: Message) => void;
  roster: (roster: Roster) => void;
}

export type RoomServer = EnvelopeServer<DefaultEventsMap, ServerToClient, DefaultEventsMap, Member>;
export type RoomSocket = EnvelopeSocket<DefaultEventsMap, ServerToClient, DefaultEventsMap, Member>;
