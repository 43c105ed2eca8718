import type { IncomingHttpHeaders } from 'node:http';
import type { Untyped } from '../../protocol/typed-events.js';

/** A server, as {@link EnvelopeServer} is one. */
export interface ObservedServer {
  /** The full URL path. */
  readonly name: string;
  /** The path as the gateway declares it: where names of paths are the clients' choice, not the client's own. */
  readonly route: string;
}

/** A server that is there: what it has can be asked for at any time. */
export interface MountedServer extends ObservedServer {
  /** The connected clients, by id. */
  readonly sockets: ReadonlyMap<string, ObservedSocket>;
  /** How it stands with the other nodes. */
  readonly cluster: ClusterStatus;
}

/** A client, as {@link EnvelopeSocket} is one. */
export interface ObservedSocket {
  readonly id: string;
  readonly requestId: string;
  readonly connected: boolean;
  readonly ip: string;
  readonly user: Untyped;
  readonly headers: IncomingHttpHeaders;
  readonly bufferedAmount: number;
  readonly nsp: ObservedServer;
}

/** Where errors go that no caller can catch; what `subject` says is what they are counted by, else `where`. */
export type ErrorReporter = (error: unknown, where: string, subject?: string) => void;

/** How a server stands with the other nodes. */
export interface ClusterStatus {
  /** `alone`: an adapter of one process. `away`: the broker does not answer; this node serves its own clients. */
  readonly state: 'alone' | 'connected' | 'away';
  /** How many nodes there are, this one included, as far as was known when the broker last answered. */
  readonly nodes: number;
  /** Since when, in milliseconds since the epoch. */
  readonly since: number;
}
