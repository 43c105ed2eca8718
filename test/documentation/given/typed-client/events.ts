/* eslint-disable */
// The events of 'Chat', version '1.0.0'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface SayDto {
  text: string;
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

/** What clients send to /rooms/{room}. */
export interface RoomsRoomEmits {
  say: (data: SayDto, answer?: (data: SayDto) => void) => void;
  /** A stream: `socket.stream` gets all values. */
  ticks: (answer?: (data: number) => void) => void;
}

/** What the server sends to clients of /rooms/{room}. */
export interface RoomsRoomListens {
  said: (data: SayDto) => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /rooms/{room}, below the URL of its server. In a page, `base` may be empty. */
export function roomsRoomUrl(base: string, params: { room: string }): string {
  return origin(base) + '/rooms/' + segment(params.room);
}

/** Connects to /rooms/{room}: ChatGateway */
export function connectRoomsRoom(
  base: string,
  params: { room: string },
  options?: ClientOptions,
): ClientSocket<RoomsRoomListens, RoomsRoomEmits> {
  return connect<RoomsRoomListens, RoomsRoomEmits>(roomsRoomUrl(base, params), options);
}

function origin(base: string): string {
  return base.replace(/\/+$/, '');
}

function segment(value: string): string {
  // a URL would leave the path at such a segment
  if (value === '.' || value === '..') throw TypeError(`A path parameter cannot be "${value}"`);
  return encodeURIComponent(value);
}
