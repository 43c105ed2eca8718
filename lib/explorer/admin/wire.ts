import type {
  ActionResult,
  Address,
  AuditPage,
  BlocksPage,
  BlockView,
  ClientKind,
  ConnectionDetail,
  ConnectionsPage,
  FramesPage,
  Hello,
  Overview,
  RefusalsPage,
  RoomsPage,
} from './views.js';

/**
 * The wire of the live console: events that its page sends on the path `<explorer>/console/live`. Each is a request of
 * PROTOCOL.md, with an `id`, and has one answer. The server pushes nothing: the page asks again, and so renews what the nodes
 * measure for it.
 *
 * Every text that a client, an application or another node chose (names of rooms, users and events, payloads) is only text.
 */
export interface AdminRequests {
  /** Asked once, after the connection opens. */
  hello: { data: undefined; answer: Hello };
  /** Asked every {@link Hello.interval} milliseconds. Without it, the nodes stop counting messages after ten seconds. */
  overview: { data: undefined; answer: Overview };
  connections: { data: ConnectionsRequest; answer: ConnectionsPage };
  details: { data: Address; answer: ConnectionDetail };
  rooms: { data: RoomsRequest; answer: RoomsPage };
  blocks: { data: BlocksRequest; answer: BlocksPage };
  refusals: { data: RefusalsRequest; answer: RefusalsPage };
  /** Asked every 500 milliseconds or so. The node stops recording five seconds after the last one. */
  frames: { data: FramesRequest; answer: FramesPage };
  audit: { data: undefined; answer: AuditPage };

  // actions: refused in read-only mode with the code `read_only`
  disconnectClient: { data: Address & { reason?: string }; answer: ActionResult };
  /** Without `namespace`: on all paths. */
  disconnectUser: { data: { namespace?: string; user: string; node?: string }; answer: ActionResult };
  join: { data: Address & { room: string }; answer: ActionResult };
  leave: { data: Address & { room: string }; answer: ActionResult };
  emit: { data: EmitRequest; answer: ActionResult };
  block: { data: BlockRequest; answer: ActionResult };
  /** `node`: one that knows the block, {@link BlockView.node}. Default: the node of the console. */
  unblock: { data: Pick<BlockView, 'kind' | 'name'> & { node?: string }; answer: ActionResult };
}

/**
 * The payload of an exception that answers a request. Codes: `invalid` (the message names the field), `read_only`, `forbidden` (a
 * guard refused: log in again), `not_found`, `silent` (the node did not answer in time), `busy` (too many requests at once),
 * `failed`.
 */
export interface AdminFailure {
  readonly status: 'error';
  readonly code: 'invalid' | 'read_only' | 'forbidden' | 'not_found' | 'silent' | 'busy' | 'failed';
  readonly message: string;
}

/** Which part of a list: all fields are optional. */
export interface PageRequest {
  /** {@link ConnectionsPage.cursor} of the page before. */
  readonly cursor?: string;
  /** 1 to {@link Hello.maxRows}. Default: 50. A page may have fewer rows, and still be followed by another. */
  readonly limit?: number;
}

export interface ConnectionsRequest extends PageRequest {
  /** Only those that fulfil all of these. */
  readonly filter?: {
    /** The path, or the route of a RegExp or a pattern; exact. */
    readonly namespace?: string;
    /** The name of the user; exact. */
    readonly user?: string;
    /** The beginning of the IP address. */
    readonly address?: string;
    /** A room; exact. */
    readonly room?: string;
    readonly kind?: ClientKind;
    /** The id of a node. */
    readonly node?: string;
    /** The beginning of the id. */
    readonly id?: string;
  };
  /**
   * Default: `id`, in pages. `buffered`: those that most bytes wait for, slow readers first; one page, without a cursor. `rate`: those
   * that send most messages, in the same way. The nodes count for ten seconds after each such request, so the first one has no rates.
   */
  readonly order?: 'id' | 'buffered' | 'rate';
}

export interface RoomsRequest extends PageRequest {
  /** The path. */
  readonly namespace: string;
  /** Only those whose names begin so. */
  readonly prefix?: string;
  /** Default: `name`, in pages. `size`: the largest; one page, without a cursor. */
  readonly order?: 'name' | 'size';
}

export interface BlocksRequest extends PageRequest {
  readonly kind?: 'address' | 'user';
  /** Only those whose addresses or names begin so. */
  readonly prefix?: string;
}

export interface RefusalsRequest extends PageRequest {
  /** Only addresses that begin so. */
  readonly prefix?: string;
  /** Default: `address`, in pages. `rate`: most refusals in a second first, and `count`: most in all; one page, without a cursor. */
  readonly order?: 'address' | 'rate' | 'count';
}

/** Blocks an address or a user on all nodes. */
export interface BlockRequest extends Pick<BlockView, 'kind' | 'name'> {
  /** Milliseconds, from 1,000 to those of a year. */
  readonly duration: number;
  readonly reason?: string;
}

export interface FramesRequest extends Address {
  /** {@link FramesPage.next} of the answer before. Default: 0. */
  readonly after?: number;
}

export interface EmitRequest {
  /** The path. */
  readonly namespace: string;
  /** Exactly one: all clients of the path, a room, a user, or one connection by its id. */
  readonly to:
    { readonly all: true } | { readonly room: string } | { readonly user: string } | { readonly id: string };
  readonly event: string;
  /** Any JSON; at most 8,000 characters. */
  readonly data?: unknown;
  /**
   * The node that sends, to the clients of all nodes. A path of a RegExp exists only on nodes that have a client there. Default: the
   * node of the console.
   */
  readonly node?: string;
}
