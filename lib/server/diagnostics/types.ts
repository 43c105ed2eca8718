import type { IncomingHttpHeaders } from 'node:http';
import type { Untyped } from '../../protocol/typed-events.js';

/** A server: the part of {@link EnvelopeServer} that diagnostics need. */
export interface ObservedServer {
  /** The full URL path. */
  readonly name: string;
  /** The path as the gateway declares it. Unlike `name`, it is never chosen by a client. */
  readonly route: string;
}

/** A server in use, with its current clients and cluster state. */
export interface MountedServer extends ObservedServer {
  /** The connected clients, by id. */
  readonly sockets: ReadonlyMap<string, ObservedSocket>;
  /** The state of its connection to the other nodes. */
  readonly cluster: ClusterStatus;
}

/** A client: the part of {@link EnvelopeSocket} that diagnostics need. */
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

/** Logs errors that no caller can catch. Repeated errors are counted by `subject`, or by `where` if it is absent. */
export type ErrorReporter = (error: unknown, where: string, subject?: string, source?: ErrorSource) => void;

/** Where an error came from. */
export interface ErrorSource {
  readonly client?: object | undefined;
  /** The event as its handler or listener names it. */
  readonly event?: string | undefined;
  /** What failed. By default it follows from the other two. */
  readonly kind?: 'message' | 'connection' | 'server';
  /** Whether the application threw it on purpose, such as an `HttpException`: it is not logged. */
  readonly isExpected?: boolean | undefined;
}

/** The state of a server's connection to the other nodes. */
export interface ClusterStatus {
  /**
   * `alone`: the adapter has one process only. `away`: the broker does not answer, and this node serves its own clients
   * only.
   */
  readonly state: 'alone' | 'connected' | 'away';
  /** The number of nodes, this one included, as of the broker's last answer. */
  readonly nodes: number;
  /** The time of the last change of `state`, in milliseconds since the epoch. */
  readonly since: number;
}
