/**
 * A system under test: nodes that share a broker, and clients. A subject does what the steps of a schedule say, and reports what
 * happened as plain data. It judges nothing: the model does.
 *
 * All times are milliseconds of {@link now}, which all processes of one machine share.
 */
export interface Subject {
  readonly name: string;
  /** Whether messages of one node may be lost on their way to the clients of the others, while the broker is away. */
  readonly isLossyBetweenNodes: boolean;
  readonly nodes: SubjectNodes;

  /**
   * Begins a run: this number of nodes run, connected to the broker, without faults and without clients. Nodes of the last run
   * may go on. Rooms and clients of the last run must not be seen.
   */
  begin(nodes: number): Promise<void>;
  /** Makes a client that connects through a network that can fail. Does not wait for the connection. */
  connect(client: number, node: number): Promise<SubjectClient>;
  /**
   * Has a node send messages to a room. Resolves when the node has written them to its ledger and has sent them. Does nothing if the
   * node is dead.
   */
  say(node: number, room: number, count: number, bytes: number): Promise<void>;
  /**
   * Called when the faults have ended. Resolves when the nodes know each other again, and what would only time out is timed out:
   * keys that a dead node has claimed, for example.
   */
  recover(): Promise<void>;
  /** What the nodes have written in this run, dead ones included. */
  ledger(): Promise<Ledger>;
  /** Ends the run: closes all clients. */
  end(): Promise<void>;
  /** Stops all nodes, after a run that failed: the next one begins with new ones. */
  renew(): Promise<void>;
  /** Stops all nodes and the broker. */
  close(): Promise<void>;
}

/** The faults of the nodes and of their broker. */
export interface SubjectNodes {
  /** Kills the process of a node with SIGKILL. Resolves to its name when it has ended. */
  kill(node: number): Promise<string>;
  /**
   * Starts a new process in the place of a dead node, connected to the broker. Clients of the dead one find it. The runner does
   * not wait for it before the schedule ends: the broker may be stalled.
   */
  restart(node: number): Promise<void>;
  /** Suspends the broker with SIGSTOP. */
  stall(): void;
  resume(): void;
  /** Cuts a node off from the broker. */
  partition(node: number, how: 'cut' | 'silent'): void;
  heal(node: number): void;
}

/** The faults of the network between a client and its node. */
export interface SubjectNetwork {
  cut(bytes: number, direction: 'up' | 'down'): void;
  /** `silent`: the server is not told, and takes the connection for open until its heartbeat ends it. */
  away(how: 'cut' | 'silent'): void;
  back(node: number): void;
  slow(): void;
  fast(): void;
}

/** A client of a subject. Its methods return at once. */
export interface SubjectClient {
  readonly network: SubjectNetwork;
  /**
   * Enters a room now, or when it is connected, and again on each connection that does not continue the last one: with what was
   * missed, where the system can tell. Does nothing in a room that it is in.
   */
  enter(room: number): void;
  leave(room: number): void;
  /** Sends a reliable message for a room: until it is answered. One is under way at a time. */
  send(room: number, bytes: number): void;
  /** Changes its meta, now or on the next connection. */
  update(meta: number): void;
  /** Whether it is connected, in its rooms, and has an answer to all that it has sent. */
  readonly isSettled: boolean;
  /** What it knows at this moment. */
  view(): ClientView;
}

/** A message that arrived at a client. */
export interface Arrival {
  /** The room that it was sent to. */
  readonly room: number;
  /** The process of the node that sent it, and its number there: unique together. */
  readonly node: string;
  readonly number: number;
  readonly at: number;
}

/** An answer to a client that entered a room. */
export interface Entrance {
  readonly room: number;
  /** When it asked, and how many arrivals it had when the connection began on which it asked. */
  readonly askedAt: number;
  readonly from: number;
  /** When the answer came, and how many arrivals it had then. */
  readonly at: number;
  readonly to: number;
  /** Whether the client was told that messages may be missing. The first entrance of a room tells nothing. */
  readonly isGap: boolean;
}

/** A reliable message of a client. */
export interface Sent {
  /** `c<client>:<number>`; the numbers of a client begin with 1 and have no gaps. */
  readonly id: string;
  readonly room: number;
  /** `undelivered`: the client was told that it does not know whether the message was handled. */
  readonly outcome: 'pending' | 'answered' | 'undelivered';
}

/** What a client knows. */
export interface ClientView {
  readonly client: number;
  readonly arrivals: readonly Arrival[];
  readonly entrances: readonly Entrance[];
  /** When it left rooms. */
  readonly exits: readonly { readonly room: number; readonly at: number }[];
  readonly sent: readonly Sent[];
  /** The rooms that it is in. */
  readonly rooms: readonly number[];
  readonly meta: number;
  /**
   * Who is in each of its rooms, with the metas of each: `{ c3: [17] }`; `undefined` in a room where the list is out of date.
   * Without it, the system has no lists.
   */
  readonly present?: Readonly<Record<number, Readonly<Record<string, readonly number[]>> | undefined>>;
  /** How often it connected, and how often it continued its session. */
  readonly connections: number;
  readonly recoveries: number;
  /** What happened to its connections, for whoever looks into a failure. */
  readonly journal?: readonly string[];
}

/** What the nodes have written, each line before its effect, so that it survives SIGKILL. */
export interface Ledger {
  /** The messages that nodes sent to rooms, in the order of each node. */
  readonly said: readonly Said[];
  /** The reliable messages that handlers have handled. */
  readonly handled: readonly Handled[];
  /** Of each room with a history: what it has at the end, as `node:number`. `undefined`: the room has none. */
  readonly stored: Readonly<Record<number, ReadonlySet<string> | undefined>>;
}

export interface Said {
  readonly room: number;
  readonly node: string;
  readonly number: number;
  readonly at: number;
  /** The id of the reliable message that it stands for. */
  readonly of?: string | undefined;
}

export interface Handled {
  /** The id of the reliable message, and the key that it had. */
  readonly id: string;
  readonly key: string | undefined;
  readonly node: string;
  readonly at: number;
}

/** Milliseconds of a clock that all processes of this machine share, and that never goes back. */
export const now = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
