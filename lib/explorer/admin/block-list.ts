import type { BlockEntry } from '../../server/upgrade/block-list.js';
import { choice, optionalText, requestFields } from './checked-values.js';
import { limitOf } from './connection-list.js';
import { compareText, TopList } from './top-list.js';
import type { BlockView } from './views.js';

export const BLOCK_KINDS = ['address', 'user'] as const;
/** Characters of an address, or of the name of a user. */
export const MAX_BLOCK_NAME = 1_000;
/** Characters of a cursor: a kind, a space and a name. */
const MAX_CURSOR = 8 + MAX_BLOCK_NAME;
/** Characters of a reason, and of the name of an operator. */
export const MAX_BLOCK_TEXT = 256;

/** A request for blocks, checked. */
export interface BlockQuery {
  readonly kind: BlockView['kind'] | undefined;
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
}

/** A block as one node knows it. */
export type KnownBlock = Pick<BlockView, 'kind' | 'name' | 'until' | 'by' | 'reason'>;

/** The blocks that one node knows: a part of a page. */
export interface BlockPart {
  readonly rows: readonly KnownBlock[];
  /** Whether the node has further blocks that fulfil the request. */
  readonly more: boolean;
}

/** Reads a request of an admin. @throws WsException on an unknown or malformed field */
export function readBlockQuery(data: unknown): BlockQuery {
  const fields = requestFields(data, ['kind', 'prefix', 'cursor', 'limit']);
  return {
    kind: choice(fields, 'kind', BLOCK_KINDS),
    prefix: optionalText(fields, 'prefix', MAX_BLOCK_NAME) ?? '',
    after: optionalText(fields, 'cursor', MAX_CURSOR) ?? '',
    limit: limitOf(fields),
  };
}

/** Returns the first blocks that this node knows, in the order of {@link blockKey}. */
export function listBlocks(
  blocks: readonly BlockEntry[],
  { kind, prefix, after, limit }: BlockQuery,
): BlockPart {
  // one more tells whether there are more
  const first = new TopList<BlockEntry>(limit + 1, (a, b) => compareText(blockKey(a), blockKey(b)));
  for (const entry of blocks) {
    if ((kind !== undefined && entry.kind !== kind) || !entry.name.startsWith(prefix)) continue;
    if (after === '' || blockKey(entry) > after) first.add(entry);
  }
  return { rows: first.all.slice(0, limit).map(toRow), more: first.all.length > limit };
}

function toRow({ kind, name, until, by, reason }: BlockEntry): KnownBlock {
  return {
    kind,
    name,
    until,
    ...(by !== undefined && { by: by.slice(0, MAX_BLOCK_TEXT) }),
    ...(reason !== undefined && { reason: reason.slice(0, MAX_BLOCK_TEXT) }),
  };
}

/** The key by which blocks are ordered, and a cursor: addresses first, then users, by name. */
export function blockKey({ kind, name }: Pick<BlockView, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}
