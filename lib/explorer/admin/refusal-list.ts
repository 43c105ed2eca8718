import { choice, fieldsOf, optionalText, requestFields } from './checked-values.js';
import { limitOf, MAX_ROWS } from './connection-list.js';
import { rateOf, type RefusalCount, type RefusalCounts } from './refusal-counts.js';
import { compareText, TopList } from './top-list.js';
import type { RefusalView } from './views.js';

/** Characters of an address. */
export const MAX_ADDRESS = 64;

/** A request for refused addresses, checked. */
export interface RefusalQuery {
  readonly prefix: string;
  /** `undefined`: from the beginning. The first address may be empty. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly order: 'rate' | 'count' | 'address';
}

/** The refused addresses of one node: a part of a page. */
export interface RefusalPart {
  readonly rows: readonly RefusalView[];
  /** Whether the node has further addresses that fulfil the request. */
  readonly more: boolean;
}

/** Reads a request of an admin. @throws WsException on an unknown or malformed field */
export function readRefusalQuery(data: unknown): RefusalQuery {
  const fields = requestFields(data, ['prefix', 'cursor', 'limit', 'order']);
  return {
    prefix: optionalText(fields, 'prefix', MAX_ADDRESS) ?? '',
    after: optionalText(fields, 'cursor', CURSOR.length + MAX_ADDRESS)?.slice(CURSOR.length),
    limit: limitOf(fields),
    order: choice(fields, 'order', ['rate', 'count', 'address'] as const) ?? 'address',
  };
}

/** Stands before the address in a cursor, because an address may be empty, and a cursor not. */
const CURSOR = '>';

/** Returns the key by which pages are ordered, and a cursor. */
export function refusalKey({ address }: Pick<RefusalView, 'address'>): string {
  return CURSOR + address;
}

/** Returns the first refused addresses of this node in the order of a request. */
export function listRefusals(
  counts: RefusalCounts,
  { prefix, after, limit, order }: RefusalQuery,
): RefusalPart {
  // one more tells whether there are more
  const first = new TopList<RefusalView>(limit + 1, COMPARE[order]);
  for (const entry of counts.all) {
    const { address } = entry;
    if (!address.startsWith(prefix)) continue;
    if (order === 'address' && after !== undefined && address <= after) continue;
    first.add(viewRefusal(entry));
  }
  return { rows: first.all.slice(0, limit), more: first.all.length > limit };
}

/** Returns what this node knows of some addresses. */
export function refusalsOf(counts: RefusalCounts, data: unknown): RefusalPart {
  const addresses: unknown = fieldsOf(data)['addresses'];
  const list = Array.isArray(addresses) ? addresses.slice(0, MAX_ROWS) : [];
  const known = list.map((address) => (typeof address === 'string' ? counts.get(address) : undefined));
  return { rows: known.filter((entry) => entry !== undefined).map(viewRefusal), more: false };
}

/** The orders of rows: of equals, by address. */
export const COMPARE: Readonly<Record<RefusalQuery['order'], (a: RefusalView, b: RefusalView) => number>> = {
  rate: (a, b) => b.rate - a.rate || byCount(a, b),
  count: byCount,
  address: byAddress,
};

function byCount(a: RefusalView, b: RefusalView): number {
  return b.count - a.count || byAddress(a, b);
}

function byAddress(a: RefusalView, b: RefusalView): number {
  return compareText(a.address, b.address);
}

function viewRefusal(entry: RefusalCount): RefusalView {
  const { address, isShared, count, since, last, reason } = entry;
  return { address, isShared, count, rate: rateOf(entry), since, last, reason };
}

/** Makes one row of those of two nodes. */
export function addRefusals(a: RefusalView, b: RefusalView): RefusalView {
  const { last, reason } = a.last >= b.last ? a : b;
  return {
    address: a.address,
    isShared: a.isShared || b.isShared,
    count: a.count + b.count,
    rate: a.rate + b.rate,
    since: Math.min(a.since, b.since),
    last,
    reason,
  };
}
