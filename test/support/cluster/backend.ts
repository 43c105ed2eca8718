import type { AdapterFactory } from '../../../lib/index.js';
import type { Broker } from '../brokers/broker.js';

/** One node's own link to the broker, through clients that belong to the application. */
export interface Link {
  readonly adapter: AdapterFactory;
  /** Resolves when the broker has taken the subscriptions asked for up to now. */
  settled(): Promise<void>;
  /** Asks the broker something through each client: rejects where one was closed. */
  use(): Promise<void>;
  close(): Promise<void>;
}

/** What connects the nodes of a cluster: an adapter of Socket.IO's, with a client library where there is a choice. */
export interface Backend {
  readonly name: string;
  /** `describe`, or what leaves out where the broker is not installed. */
  readonly describe: jest.Describe;
  /** The broker, not started; absent where none is needed. */
  broker?(): Broker;
  /** Absent where nodes must be workers of Node's cluster module. */
  link?(url: string): Promise<Link>;
  /**
   * Has the broker count one more node on a path, that never answers; gives what removes it. The others count it as soon
   * as `serverCount` does.
   */
  addSilentNode?(url: string, path: string): Promise<() => Promise<void>>;
  /** One node is all that there is. */
  readonly alone?: boolean;
  /** The client library, where `@socket.io/redis-emitter` reaches the nodes. */
  readonly emitter?: 'redis' | 'ioredis';
  /** What the adapter by its nature does otherwise, each with the reason. */
  readonly differs?: Partial<Record<Difference, string>>;
}

export type Difference =
  /** A message of any size arrives in its turn. */
  | 'order of sizes'
  /** A number arrives as it was sent. */
  | 'huge numbers'
  /** A room whose last member on a node left, and into which one comes at once, is reached. */
  | 'rejoining'
  /** The same, of a whole namespace. */
  | 'reopening';
