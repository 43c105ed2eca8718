import { hostname } from 'node:os';
import type { ClusterStatus, DefaultEventsMap, EnvelopeServer, EnvelopeSocket } from 'nestjs-envelope';

/** The only room. */
export const ROOM = 'room';
/** The name of this process in the cluster. */
export const WORKER = `${process.pid}@${hostname()}`;

/** The type of `client.data`, which all workers can read. */
export interface Member {
  name: string;
  worker: string;
}

export interface Message extends Member {
  text: string;
}

/** The members on one worker. */
export interface WorkerMembers {
  worker: string;
  names: string[];
}

export interface Roster {
  /** `away` means that Redis does not answer: each worker reaches only its own clients. */
  state: ClusterStatus['state'];
  /** The number of workers, including workers without clients. */
  nodes: number;
  workers: WorkerMembers[];
}

/** The events that the server emits. */
export interface ServerToClient {
  message: (message: Message) => void;
  roster: (roster: Roster) => void;
}

export type RoomServer = EnvelopeServer<DefaultEventsMap, ServerToClient, DefaultEventsMap, Member>;
export type RoomSocket = EnvelopeSocket<DefaultEventsMap, ServerToClient, DefaultEventsMap, Member>;
