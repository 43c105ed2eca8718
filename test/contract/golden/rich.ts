/* eslint-disable */
// The events of 'Chat', version '1.0'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface AuthorDto {
  /** As shown */
  name: string;
  age?: number | null;
  colour: Colour;
}

export type Colour = "red" | "blue";

export interface PlaceDto {
  latitude: number;
  longitude: number;
}

export interface Said {
  at: string;
  authors: AuthorDto[];
  /** Who it is for */
  to: AuthorDto | null;
  text: string;
  count: number;
  edited?: boolean;
}

export interface SayDto {
  text: string;
  thread?: string;
  colour: "red" | "blue";
  level: 1 | 2 | 3;
  /** @maxItems 5 */
  tags: string[];
  places: PlaceDto[];
  place: PlaceDto;
  answers?: SayDto;
  mail: string;
  link: string;
  on: string;
  until: string;
  code: string;
  loose: string;
  dotted: string;
  loud?: boolean;
  both: string;
  extra?: number;
}

export interface UndescribedDto {
  [k: string]: unknown;
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

/** What clients send to /games/{name}. */
export interface GamesNameEmits {
  play: (data: string, answer?: (data: string) => void) => void;
}

/** What the server sends to clients of /games/{name}. */
export interface GamesNameListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /games/{name}, below the URL of its server. In a page, `base` may be empty. */
export function gamesNameUrl(base: string, params: { name: string }): string {
  return origin(base) + '/games/' + regExpName(params.name);
}

/**
 * Connects to /games/{name}: GameGateway
 *
 * Each path below `/games` that matches `/^\/game-\d+$/` is a separate namespace.
 *
 * The server reads the credentials from the first of these that is present: the subprotocol `envelope.auth.<text>`, where `<text>` is the base64url form of a JSON object with them, `{"token": "…"}`; the two subprotocols `bearer`, `<token>`; the header `Authorization: Bearer <token>`; the query field `token`. A browser cannot set headers, so it offers `envelope.v1` together with the first of them.
 */
export function connectGamesName(
  base: string,
  params: { name: string },
  options?: ClientOptions,
): ClientSocket<GamesNameListens, GamesNameEmits> {
  return connect<GamesNameListens, GamesNameEmits>(gamesNameUrl(base, params), options);
}

/** What clients send to /rooms/{room}. */
export interface RoomsRoomEmits {
  draw: (data: PlaceDto[], answer?: (data: PlaceDto[]) => void) => void;
  author: (answer?: (data: AuthorDto) => void) => void;
}

/** What the server sends to clients of /rooms/{room}. */
export interface RoomsRoomListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /rooms/{room}, below the URL of its server. In a page, `base` may be empty. */
export function roomsRoomUrl(base: string, params: { room: string }): string {
  return origin(base) + '/rooms/' + segment(params.room);
}

/** Connects to /rooms/{room}: RoomGateway */
export function connectRoomsRoom(
  base: string,
  params: { room: string },
  options?: ClientOptions,
): ClientSocket<RoomsRoomListens, RoomsRoomEmits> {
  return connect<RoomsRoomListens, RoomsRoomEmits>(roomsRoomUrl(base, params), options);
}

/** What clients send to /. */
export interface RootEmits {
  'a/b': (answer?: (data: unknown) => void) => void;
  'say hi': (answer?: (data: unknown) => void) => void;
  ref$: (answer?: (data: unknown) => void) => void;
  'a~b': (answer?: (data: unknown) => void) => void;
  '%41': (answer?: (data: unknown) => void) => void;
  _41: (answer?: (data: unknown) => void) => void;
  '#/x?y': (answer?: (data: unknown) => void) => void;
  __proto__: (answer?: (data: unknown) => void) => void;
  constructor: (answer?: (data: unknown) => void) => void;
  'x-ray': (answer?: (data: unknown) => void) => void;
  'größe €': (answer?: (data: unknown) => void) => void;
  '7': (answer?: (data: unknown) => void) => void;
}

/** What the server sends to clients of /. */
export interface RootListens {
  'a/b': (data: string) => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /, below the URL of its server. In a page, `base` may be empty. */
export function rootUrl(base: string): string {
  return origin(base) + '/';
}

/** Connects to /: SpecialNamesGateway */
export function connectRoot(
  base: string,
  options?: ClientOptions,
): ClientSocket<RootListens, RootEmits> {
  return connect<RootListens, RootEmits>(rootUrl(base), options);
}

export interface WsChatMove {
  x?: number;
  to?: PlaceDto;
}

export interface WsChatEmitsMoved {
  x: number;
}

/** What clients send to /ws/chat. */
export interface WsChatEmits {
  /**
   * Says something
   *
   * To all of them
   *
   * Answer: As it was sent on
   *
   * @deprecated
   */
  say: (data: SayDto, answer?: (data: Said) => void) => void;
  presence: (data: UndescribedDto, answer?: (data: unknown) => void) => void;
  /** A stream: `socket.stream` gets all values. */
  ticks: (answer?: (data: number) => void) => void;
  move: (data: WsChatMove, answer?: (data: unknown) => void) => void;
  ping: (data: unknown, answer?: (data: string) => void) => void;
  ban: (data: string, answer?: () => void) => void;
}

/** What the server sends to clients of /ws/chat. */
export interface WsChatListens {
  said: (data: Said) => void;
  count: (data: number) => void;
  places: (data: PlaceDto[]) => void;
  moved: (data: WsChatEmitsMoved) => void;
  bye: () => void;
  /** A client joined */
  joined: (data: string) => void;
  typing: (data: boolean) => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /ws/chat, below the URL of its server. In a page, `base` may be empty. */
export function wsChatUrl(base: string): string {
  return origin(base) + '/ws/chat';
}

/**
 * Connects to /ws/chat: ChatGateway, ModerationGateway
 *
 * Where people talk.
 *
 * The server checks who may connect before the connection opens. It refuses with an HTTP status, usually 401 or 403.
 *
 * The server reads the credentials from the first of these that is present: the subprotocol `envelope.auth.<text>`, where `<text>` is the base64url form of a JSON object with them, `{"token": "…"}`; the two subprotocols `bearer`, `<token>`; the header `Authorization: Bearer <token>`; the query field `token`. A browser cannot set headers, so it offers `envelope.v1` together with the first of them.
 */
export function connectWsChat(
  base: string,
  options?: ClientOptions,
): ClientSocket<WsChatListens, WsChatEmits> {
  return connect<WsChatListens, WsChatEmits>(wsChatUrl(base), options);
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

function regExpName(value: string): string {
  segments(value);
  return encodeURI(value).replace(/[?#]/g, encodeURIComponent);
}
