/* eslint-disable */
// The events of 'Edge\u2028 "of" it\'s */', version '1\n2'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface _3dPoint {
  x: number;
}

export interface ClientOptions2 {
  name: string;
}

export interface LineItem {
  price: number;
}

export interface LineItem2 {
  cost: number;
}

export interface WsEmits {
  count: number;
}

/** An exception filter of the application may return any other object or list. */
export interface ExceptionData {
  status?: "error";
  /** A text for people. A failed validation has a list of texts, one for each violation. */
  message?: string | string[];
  /** The protocol refused the message. */
  code?: "bad_frame" | "bad_event" | "bad_id" | "reserved_event" | "unknown_event" | "rate_limited" | "too_deep" | "room_limit" | "going_away" | "refused" | "key_reused" | "already_answered" | "unavailable";
  /** The HTTP status. */
  statusCode?: number;
  /** The name of the HTTP status. */
  error?: string;
  /** The event or pattern that failed, and its data. */
  cause?: {
    pattern?: string;
    data?: unknown;
  };
  [k: string]: unknown;
}

/** What clients send to /a/b. */
export interface ABEmits {}

/** What the server sends to clients of /a/b. */
export interface ABListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /a/b, below the URL of its server. In a page, `base` may be empty. */
export function aBUrl(base: string): string {
  return origin(base) + '/a/b';
}

/** Connects to /a/b: SlashGateway */
export function connectAB(
  base: string,
  options?: ClientOptions,
): ClientSocket<ABListens, ABEmits> {
  return connect<ABListens, ABEmits>(aBUrl(base), options);
}

/** What clients send to /a_b. */
export interface AB2Emits {}

/** What the server sends to clients of /a_b. */
export interface AB2Listens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /a_b, below the URL of its server. In a page, `base` may be empty. */
export function aB2Url(base: string): string {
  return origin(base) + '/a_b';
}

/** Connects to /a_b: UnderscoreGateway */
export function connectAB2(
  base: string,
  options?: ClientOptions,
): ClientSocket<AB2Listens, AB2Emits> {
  return connect<AB2Listens, AB2Emits>(aB2Url(base), options);
}

/** What clients send to /files/{kind}/{rest}. */
export interface FilesKindRestEmits {
  read: (answer?: (data: string) => void) => void;
}

/** What the server sends to clients of /files/{kind}/{rest}. */
export interface FilesKindRestListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /files/{kind}/{rest}, below the URL of its server. In a page, `base` may be empty. */
export function filesKindRestUrl(base: string, params: { kind: string; rest: string }): string {
  return origin(base) + '/files/' + segment(params.kind) + '/' + segments(params.rest);
}

/**
 * Connects to /files/{kind}/{rest}: FilesGateway
 *
 * Files.
 *
 * They close * / comments.
 *
 * The path in the syntax of Nest's routes: `/files{/:kind}/*rest`.
 */
export function connectFilesKindRest(
  base: string,
  params: { kind: string; rest: string },
  options?: ClientOptions,
): ClientSocket<FilesKindRestListens, FilesKindRestEmits> {
  return connect<FilesKindRestListens, FilesKindRestEmits>(filesKindRestUrl(base, params), options);
}

/** What clients send to /it's/{tenant}/`$x`. */
export interface ItSTenantXEmits {}

/** What the server sends to clients of /it's/{tenant}/`$x`. */
export interface ItSTenantXListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /it's/{tenant}/`$x`, below the URL of its server. In a page, `base` may be empty. */
export function itSTenantXUrl(base: string, params: { tenant: string }): string {
  return origin(base) + '/it\'s/' + segment(params.tenant) + '/`$x`';
}

/**
 * Connects to /it's/{tenant}/`$x`: QuotedGateway
 *
 * The path in the syntax of Nest's routes: `/it's/:tenant/`${x}``.
 */
export function connectItSTenantX(
  base: string,
  params: { tenant: string },
  options?: ClientOptions,
): ClientSocket<ItSTenantXListens, ItSTenantXEmits> {
  return connect<ItSTenantXListens, ItSTenantXEmits>(itSTenantXUrl(base, params), options);
}

export interface WsShapesGet {
  /** Its number */
  id: number | null;
  /** @maxItems 3 */
  tags?: ("a" | "b)" | 1 | null)[];
  "it's \"quoted\"\n": string;
  free?: unknown;
  any?: unknown;
  map?: {
    [k: string]: number[];
  };
  patterns?: {
    [k: string]: string;
  };
  open?: {
    a?: string;
    [k: string]: unknown;
  };
  fixed?: {"deep":[1,"two"]};
  elsewhere?: unknown;
  lost?: unknown;
  named?: {
    b?: string;
  };
  written?: unknown;
  /** @deprecated */
  both?: {
    c?: string;
  };
  unsaid: unknown;
}

export interface WsShapesGetReply {
  /** Its number */
  id: number | null;
  /** @maxItems 3 */
  tags?: ("a" | "b)" | 1 | null)[];
  "it's \"quoted\"\n": string;
  free?: unknown;
  any?: unknown;
  map?: {
    [k: string]: number[];
  };
  patterns?: {
    [k: string]: string;
  };
  open?: {
    a?: string;
    [k: string]: unknown;
  };
  fixed?: {"deep":[1,"two"]};
  elsewhere?: unknown;
  lost?: unknown;
  named?: {
    b?: string;
  };
  written?: unknown;
  /** @deprecated */
  both?: {
    c?: string;
  };
  unsaid: unknown;
}

/**
 * A circle
 * or a * / square
 */
export type WsEmitsChoice = ({
  kind: "circle";
  radius: number;
} | {
  kind: "square";
  side: number;
} | null);

/** What clients send to /ws. */
export interface Ws2Emits {
  'shapes.get': (data: WsShapesGet, answer?: (data: WsShapesGetReply) => void) => void;
  shared: (data: LineItem & LineItem2, answer?: (data: number | undefined) => void) => void;
  /** A stream: `socket.stream` gets all values. */
  progress: (answer?: () => void) => void;
}

/** What the server sends to clients of /ws. */
export interface Ws2Listens {
  'order.changed': (data: ClientOptions2) => void;
  'it\'s "new"': (data: LineItem) => void;
  __proto__: (data: string) => void;
  'new\nline */': () => void;
  tuple: (data: [string, number]) => void;
  modernTuple: (data: [string, ...(boolean)[]]) => void;
  choice: (data: WsEmitsChoice) => void;
  /** json-schema-to-typescript cannot compile its schema, so a type is unknown. */
  refused: (data: unknown) => void;
  sometimes: (data?: number | _3dPoint[]) => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /ws, below the URL of its server. In a page, `base` may be empty. */
export function ws2Url(base: string): string {
  return origin(base) + '/ws';
}

/** Connects to /ws: FirstGateway, SecondGateway */
export function connectWs2(
  base: string,
  options?: ClientOptions,
): ClientSocket<Ws2Listens, Ws2Emits> {
  return connect<Ws2Listens, Ws2Emits>(ws2Url(base), options);
}

/** What clients send to /ws/emits. */
export interface WsEmitsEmits {
  count: (answer?: (data: WsEmits) => void) => void;
}

/** What the server sends to clients of /ws/emits. */
export interface WsEmitsListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /ws/emits, below the URL of its server. In a page, `base` may be empty. */
export function wsEmitsUrl(base: string): string {
  return origin(base) + '/ws/emits';
}

/** Connects to /ws/emits: EmitsGateway */
export function connectWsEmits(
  base: string,
  options?: ClientOptions,
): ClientSocket<WsEmitsListens, WsEmitsEmits> {
  return connect<WsEmitsListens, WsEmitsEmits>(wsEmitsUrl(base), options);
}

function origin(base: string): string {
  return base.replace(/\/+$/, '');
}

function segment(value: string): string {
  // a URL would leave the path at such a segment
  if (value === '.' || value === '..') throw TypeError(`A path parameter cannot be "${value}"`);
  return encodeURIComponent(value);
}

function segments(value: string): string {
  return value.split('/').map(segment).join('/');
}
