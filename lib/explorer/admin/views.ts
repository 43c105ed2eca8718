export interface Hello {
  /** The id of the node that the console is connected to. */
  readonly node: string;
  /** The name of the admin, as the guards set it on `client.user`; `undefined` if they set none. */
  readonly user?: string;
  /** Of this node. Another one may differ: {@link NodeView.readOnly}. */
  readonly readOnly: boolean;
  /** Whether frames of its connections have their payloads. Each {@link FramesPage} says it for its node. */
  readonly payloads: boolean;
  /** Milliseconds between two requests for the overview. */
  readonly interval: number;
  /** The largest number of rows in one page. */
  readonly maxRows: number;
}

/** Which nodes contributed to an answer. */
export interface Nodes {
  readonly answered: number;
  /** The ids of known nodes that did not answer in time. Their part is missing in the answer. */
  readonly silent: readonly string[];
  /** Nodes that the broker counts, but that never answered: stopped, or without a console. */
  readonly unknown: number;
}

export interface Overview {
  /** Milliseconds since the epoch, as are all times. */
  readonly at: number;
  /** Ordered by name. Silent ones are listed for ten minutes. */
  readonly nodes: readonly NodeView[];
  /** See {@link Nodes.unknown}. */
  readonly unknown: number;
  /** Over all nodes that answer, ordered by path. At most 200. */
  readonly namespaces: readonly NamespaceView[];
  /** Namespaces beyond those. */
  readonly moreNamespaces: number;
  /** Over all nodes that answer. */
  readonly counts: Counts;
}

export interface NodeView {
  /** Random, new at each start of the process. */
  readonly id: string;
  /** Host and process id, such as `web-3:4711`. */
  readonly name: string;
  /** Whether the console is connected to it. */
  readonly isThis: boolean;
  /** `silent`: it did not answer; what follows is as of `seenAt`. */
  readonly state: 'live' | 'silent';
  readonly seenAt: number;
  readonly startedAt: number;
  readonly connections: number;
  /** The state of its connection to the broker, the worst of its namespaces. */
  readonly broker: BrokerView;
  /** Bytes. */
  readonly rss: number;
  /** Bytes. */
  readonly heap: number;
  /** The share of time that the event loop was busy since the last overview, from 0 to 1. */
  readonly load: number;
  /** Connected admins. */
  readonly admins: number;
  /** Whether it refuses actions: those on its connections, and those that it runs for all. */
  readonly readOnly: boolean;
  /** Whether it drains: it refuses new clients, and sends its own away. */
  readonly isDraining: boolean;
  /** Addresses and users that are blocked, as it knows them. */
  readonly blocks: number;
}

export interface BrokerView {
  /** `alone`: the application has no broker. `away`: the broker does not answer, and the node serves its own clients only. */
  readonly state: 'alone' | 'connected' | 'away';
  /** Nodes, as the broker counts them. */
  readonly nodes: number;
  /** The time of the last change of `state`. */
  readonly since: number;
}

export interface NamespaceView {
  /** The path as the gateway declares it. The paths of a RegExp or a pattern are one route. */
  readonly route: string;
  /** Nodes that serve it. */
  readonly nodes: number;
  /** Paths of the route on the node that has most; 1 without a RegExp or a pattern. */
  readonly paths: number;
  readonly connections: number;
  /** Bytes that wait to be sent to clients. */
  readonly buffered: number;
  /** Connections that more than 64 KiB wait for. */
  readonly slow: number;
  /** Per second. `undefined` for the first seconds. */
  readonly rates?: Rates;
}

export interface Rates {
  /** Messages from clients. */
  readonly received: number;
  readonly receivedBytes: number;
  /** Events to single clients. */
  readonly emitted: number;
  /** A broadcast counts once. */
  readonly broadcasts: number;
}

/** Ordered by `count`, at most 100. */
export interface Count {
  readonly name: string;
  readonly count: number;
}

export interface Counts {
  /** The earliest start of the nodes that answer: since then `opened` to `refusedUpgrades` are counted. */
  readonly since: number;
  readonly opened: number;
  readonly closed: number;
  /** By `reason`, such as `transport close`. */
  readonly disconnects: readonly Count[];
  /** By close code, such as `1001`. */
  readonly closeCodes: readonly Count[];
  /** By HTTP status and, where it is known, its reason, as the channel `upgrade.refuse` names it: `403 origin`. */
  readonly refusedUpgrades: readonly Count[];
  /** Since when the next three are counted: only while a console watches. */
  readonly watchedSince: number;
  /** By code, such as `rate_limited`. */
  readonly refusedMessages: readonly Count[];
  /** Limits hit, by the name of the option. */
  readonly limits: readonly Count[];
  /** Messages that were not sent: `volatile` or `maxBufferedBytes`. */
  readonly drops: readonly Count[];
}

/** Where a connection is: a row of the connections has both. */
export interface Address {
  readonly node: string;
  readonly id: string;
}

/** `kind`: how messages look on a connection. */
export type ClientKind = 'json' | 'msgpack' | 'socket.io';

export interface ConnectionsPage {
  readonly rows: readonly ConnectionView[];
  /** `undefined` after the last page. */
  readonly cursor?: string;
  /** Connections of all nodes that answered; `undefined` with a filter other than `namespace`. */
  readonly total?: number;
  readonly nodes: Nodes;
}

export interface ConnectionView extends Address {
  /** The path. */
  readonly namespace: string;
  readonly route: string;
  /** The name of its user. */
  readonly user?: string;
  readonly address: string;
  readonly kind: ClientKind;
  readonly transport: string;
  readonly connectedAt: number;
  /** Without the room of its id. */
  readonly rooms: number;
  /** Bytes that wait to be sent. */
  readonly buffered: number;
  readonly recovered: boolean;
  /** Messages from it in a second. Only in the order `rate`, once the node has counted them for two seconds. */
  readonly rate?: number;
}

export interface ConnectionDetail extends ConnectionView {
  readonly nodeName: string;
  /** At most 200, ordered by name. {@link ConnectionView.rooms} is the number of all. */
  readonly roomNames: readonly string[];
  readonly requestId: string;
  readonly userAgent?: string;
  readonly origin?: string;
  /** The subprotocol. */
  readonly protocol: string;
  /** When the connection ends by itself. */
  readonly expiresAt?: number;
  /** Messages from it that handlers work at. */
  readonly inFlight: number;
}

export interface RoomsPage {
  readonly rows: readonly RoomView[];
  readonly cursor?: string;
  readonly nodes: Nodes;
}

export interface RoomView {
  /** The name; of the room of a user, `$user:` and the name of the user. */
  readonly name: string;
  /** Members on all nodes that answered. */
  readonly size: number;
}

/** Ordered: addresses first, then users, by name. */
export interface BlocksPage {
  readonly rows: readonly BlockView[];
  readonly cursor?: string;
  readonly nodes: Nodes;
}

/** An address or a user that may not connect for a time. */
export interface BlockView {
  readonly kind: 'address' | 'user';
  /** The address, which for IPv6 is its /64 network, or the name of the user. */
  readonly name: string;
  /** When it ends. If nodes differ: when it ends on the last of them. */
  readonly until: number;
  /** The operator; `undefined` if it is not known. */
  readonly by?: string;
  readonly reason?: string;
  /** The id of a node that knows it: this one, if it does. */
  readonly node: string;
  /** How many of the nodes that answered know it. */
  readonly nodes: number;
  /** The ids of those that answered and do not know it, at most 20: clients can connect to them. */
  readonly missing: readonly string[];
}

export interface RefusalsPage {
  readonly rows: readonly RefusalView[];
  readonly cursor?: string;
  readonly nodes: Nodes;
}

/** The refused upgrades of an address. Each node remembers those of 1,000 addresses. */
export interface RefusalView {
  /** The address that limits count by: of IPv6 its /64 network. Empty if there is none, or it is not known. */
  readonly address: string;
  /** Whether it is that of a proxy that does not name its clients, or is not trusted: a block would keep all of them out. */
  readonly isShared: boolean;
  readonly count: number;
  /** Since when they are counted: the time of the first one. */
  readonly since: number;
  /** How many there are in a second: an average that the last ten seconds decide. */
  readonly rate: number;
  /** The time of the last one. */
  readonly last: number;
  /** Why the last one was refused: see {@link Counts.refusedUpgrades}. */
  readonly reason: string;
}

export interface FramesPage {
  readonly frames: readonly FrameView[];
  /** For the next request. */
  readonly next: number;
  /** Frames since the recording began. */
  readonly total: number;
  /** Those of them that were not recorded: at most 50 are in a second. */
  readonly skipped: number;
  /** Whether the connection has ended. Then ask no more. */
  readonly ended: boolean;
  /** Whether the node of the connection shows payloads. */
  readonly payloads: boolean;
}

export interface FrameView {
  readonly number: number;
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly bytes: number;
  readonly isBinary: boolean;
  /** `undefined` where the frame is no envelope that can be read, such as one of Socket.IO. */
  readonly event?: string;
  /** The id of a request, or of the request that this answers. */
  readonly request?: string;
  /** Whether this answers `request`. */
  readonly isAnswer?: boolean;
  /** The text, at most 2,000 characters. `undefined` unless {@link Hello.payloads}. */
  readonly payload?: string;
}

export interface ActionResult {
  /** What was done, in words. */
  readonly text: string;
}

/**
 * The latest 100 actions of operators, the newest first: those of this console on all nodes since their start, and those of
 * `EnvelopeOperations`.
 */
export interface AuditPage {
  readonly entries: readonly AuditView[];
  readonly nodes: Nodes;
}

export interface AuditView {
  readonly at: number;
  /** The name of the node on which the operator acted. */
  readonly node: string;
  /** The name of the operator; `undefined` if it is not known. */
  readonly by?: string;
  /** Such as `disconnect`, `disconnectUser`, `join`, `leave` or `emit`. */
  readonly action: string;
  /** The path; `undefined`: all. */
  readonly path?: string;
  /** The id of a connection, the name of a user, or a room; `undefined`: everybody. */
  readonly target?: string;
  /** What else is known, as JSON; at most 500 characters. Never payloads. `why`: why it was refused. */
  readonly details: string;
  /** `refused`: in read-only mode, or by a guard. */
  readonly outcome: 'done' | 'refused' | 'failed';
}
