import type { AdapterFactory } from '../../../lib/index.js';
import type { Broker } from '../brokers/broker.js';

/** The connection of one node to the broker, through clients of the application. */
export interface Link {
  readonly adapter: AdapterFactory;
  /** Resolves when the broker has confirmed all subscriptions so far. */
  settled(): Promise<void>;
  /** Sends a command through each client. Rejects when one was closed. */
  use(): Promise<void>;
  close(): Promise<void>;
}

/** Connects the nodes of a cluster: an adapter of Socket.IO, and a client library where several exist. */
export interface Backend {
  readonly name: string;
  /** `describe`, or `describe.skip` where the broker is not installed. */
  readonly describe: jest.Describe;
  /** Creates the broker without starting it. Absent where the adapter needs none. */
  broker?(): Broker;
  /** Connects a node. Absent where nodes must be workers of Node's cluster module. */
  link?(url: string): Promise<Link>;
  /**
   * Adds a node on a path that never answers. Resolves with a function that removes it. The other nodes count it as
   * soon as `serverCount` does.
   */
  addSilentNode?(url: string, path: string): Promise<() => Promise<void>>;
  /** Whether the cluster has only one node. */
  readonly isSingleNode?: boolean;
  /** The client library for `@socket.io/redis-emitter`, where it reaches the nodes. */
  readonly emitter?: 'redis' | 'ioredis';
  /** Where the adapter differs by design, each with the reason. */
  readonly differs?: Partial<Record<Difference, string>>;
}

export type Difference =
  /** Messages of any size arrive in order. */
  | 'order of sizes'
  /** Numbers arrive unchanged. */
  | 'huge numbers'
  /** A room receives messages when its last member on a node leaves and another joins at once. */
  | 'rejoining'
  /** The same for a whole namespace. */
  | 'reopening';
