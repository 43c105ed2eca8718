/* eslint-disable */
// The events of '03-cluster', version '1.0.0'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface JoinDto {
  name: string;
}

export interface MessageDto {
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

/** What clients send to /ws. */
export interface WsEmits {
  join: (data: JoinDto, answer?: (data: unknown) => void) => void;
  message: (data: MessageDto, answer?: (data: unknown) => void) => void;
}

/** What the server sends to clients of /ws. */
export interface WsListens {
  exception: (data: ExceptionData) => void;
}

/** The URL of /ws, below the URL of its server. In a page, `base` may be empty. */
export function wsUrl(base: string): string {
  return origin(base) + '/ws';
}

/** Connects to /ws: RoomGateway */
export function connectWs(
  base: string,
  options?: ClientOptions,
): ClientSocket<WsListens, WsEmits> {
  return connect<WsListens, WsEmits>(wsUrl(base), options);
}

function origin(base: string): string {
  return base.replace(/\/+$/, '');
}
