import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** A request without content. */
const EMPTY = new IncomingMessage(undefined as unknown as Socket);

/** How many names and symbols Node has set on a request before its connection: the parser is one name more. */
const NODE_NAMES = Object.keys(EMPTY).length;
const NODE_SYMBOLS = Object.getOwnPropertySymbols(EMPTY).length;

/**
 * The properties that Node sets on a request. A request with more is not packed, since the code that added them may
 * read them later.
 */
const NODE_KEYS = new Set(Reflect.ownKeys(EMPTY)).add('parser');

/** What Node keeps `headersDistinct` under, from the first time that it is read; `undefined` if it keeps nothing. */
const DISTINCT = Reflect.ownKeys(readDistinct(EMPTY)).find((key) => !NODE_KEYS.has(key));
if (DISTINCT !== undefined) NODE_KEYS.add(DISTINCT);

function readDistinct(request: IncomingMessage): IncomingMessage {
  void request.headersDistinct;
  return request;
}

/**
 * An upgrade request that no user's code has a reference to, in a quarter of the memory: its target, then alternating names and
 * values of its headers, one a line. None contains a line break (RFC 9112, section 3.2; RFC 9110, section 5.5). Unpacked, a
 * browser's request takes some 3 kB of each idle connection, and one with five headers 0.8 kB.
 */
export type PackedRequest = string;

/** Packs a request. @returns `undefined` if {@link unpackRequest} could not restore an equal request */
export function packRequest(request: IncomingMessage): PackedRequest | undefined {
  const { rawHeaders, headers } = request;
  const isUntouched =
    hasOnlyNodeKeys(request) &&
    Object.getPrototypeOf(request) === IncomingMessage.prototype &&
    !hasListeners(request) &&
    areListed(rawHeaders, DISTINCT === undefined ? undefined : (Reflect.get(request, DISTINCT) as Lists));
  return isUntouched && areUnique(rawHeaders, headers) ? packLines(request) : undefined;
}

/**
 * Packs the target and the headers of a GET request of HTTP/1.1. What other code has added to it is lost.
 *
 * @returns `undefined` if a header is repeated, or the request is another one
 */
export function packRequestLines(request: IncomingMessage): PackedRequest | undefined {
  return areUnique(request.rawHeaders, request.headers) ? packLines(request) : undefined;
}

function packLines({ url, method, httpVersion, rawHeaders }: IncomingMessage): PackedRequest | undefined {
  if (url === undefined || method !== 'GET' || httpVersion !== '1.1') return undefined;
  return [url, ...rawHeaders].join('\n');
}

/** Returns the headers of a packed request. */
export function headersOf(packed: PackedRequest): Headers {
  return toHeaders(packed.split('\n').slice(1));
}

/** Restores a packed request. */
export function unpackRequest(packed: PackedRequest, tcp: Socket): IncomingMessage {
  const request = new IncomingMessage(tcp);
  const [url, ...rawHeaders] = packed.split('\n');
  const headers = toHeaders(rawHeaders);
  const distinct = Object.entries(headers).map(([name, value]) => [name, [value]]);
  return Object.assign(request, {
    ...{ method: 'GET', url, upgrade: true, complete: true },
    ...{ rawHeaders, headers, headersDistinct: Object.fromEntries(distinct) as object },
    ...{ httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 },
  });
}

type Headers = Record<string, string | string[] | undefined>;
type Lists = Record<string, string[]> | undefined;

/** Returns the headers by name. Each must be unique, since Node merges repeated ones and this function does not. */
function toHeaders(rawHeaders: readonly string[]): Headers {
  const headers: Headers = {};
  for (let i = 0; i < rawHeaders.length; i += 2) headers[rawHeaders[i]!.toLowerCase()] = rawHeaders[i + 1]!;
  return headers;
}

/**
 * Returns whether no other code has added a property. As most requests have exactly those of Node, they are counted: a list
 * of all takes a kilobyte for each connection.
 */
function hasOnlyNodeKeys(request: IncomingMessage): boolean {
  const isUnchanged =
    Object.keys(request).length === NODE_NAMES + (Object.hasOwn(request, 'parser') ? 1 : 0) &&
    Object.getOwnPropertySymbols(request).length === NODE_SYMBOLS;
  return isUnchanged || Reflect.ownKeys(request).every((key) => NODE_KEYS.has(key));
}

function hasListeners(request: IncomingMessage): boolean {
  const count: unknown = Reflect.get(request, '_eventsCount');
  return typeof count === 'number' ? count > 0 : request.eventNames().length > 0;
}

/** Returns whether `headersDistinct` was not read, or is as Node makes it of headers that are unique. */
function areListed(rawHeaders: readonly string[], lists: Lists): boolean {
  if (lists === undefined) return true;
  if (rawHeaders.length !== 2 * Object.keys(lists).length) return false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const list = lists[rawHeaders[i]!.toLowerCase()];
    if (list?.length !== 1 || list[0] !== rawHeaders[i + 1]) return false;
  }
  return true;
}

/** Returns whether no header was repeated, even with an equal value: `headersDistinct` has both. */
function areUnique(rawHeaders: readonly string[], headers: Headers): boolean {
  const names = Object.keys(headers);
  if (rawHeaders.length !== 2 * names.length) return false;
  for (let i = 0; i < names.length; i++) {
    const [name, value] = [rawHeaders[2 * i]!, rawHeaders[2 * i + 1]!];
    // they are in the same order, unless a name is a number: few names have to be converted
    const isInOrder = names[i]!.length === name.length && headers[names[i]!] === value;
    if (!isInOrder && headers[name.toLowerCase()] !== value) return false;
  }
  return true;
}
