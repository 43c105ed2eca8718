/* eslint-disable */
// The events of 'Schemas', version '1.0.0'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface Author {
  name: string;
}

export interface Comment1 {
  text: string;
  answers: Comment1[];
}

export interface Folder1 {
  name: string;
  folders: Folder1[];
}

export interface Leaf {
  leaves: Leaf[];
}

export interface Move1 {
  value: number;
  next?: Move1;
}

export interface Page {
  size: number;
}

export interface PageInput {
  size?: number;
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

export interface WsSay {
  text: string;
  author?: Author;
}

export interface WsSayReply {
  text: string;
  author: Author;
  at: string;
}

export type WsMove = {
  x: number;
  y?: number;
}[];

export interface WsEmitsSaid {
  text: string;
  author: Author;
  at: string;
}

export type WsEmitsRows = {
  id: number;
  label: string;
}[];

export interface WsEmitsMoved {
  x: number;
  y?: number;
}

export interface WsEmitsBox {
  width: number;
  label?: string;
}

/** What clients send to /ws. */
export interface WsEmits {
  say: (data: WsSay, answer?: (data: WsSayReply) => void) => void;
  author: (data: Author, answer?: (data: Author[]) => void) => void;
  page: (data: PageInput, answer?: (data: Page) => void) => void;
  comment: (data: Comment1, answer?: (data: Comment1) => void) => void;
  move: (data: WsMove, answer?: (data: Move1) => void) => void;
  folder: (data: Folder1, answer?: (data: unknown) => void) => void;
}

/** What the server sends to clients of /ws. */
export interface WsListens {
  said: (data: WsEmitsSaid) => void;
  authors: (data: Author[]) => void;
  rows: (data: WsEmitsRows) => void;
  moved: (data: WsEmitsMoved) => void;
  box: (data: WsEmitsBox) => void;
  tree: (data: Leaf) => void;
  bye: () => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /ws, below the URL of its server. In a page, `base` may be empty. */
export function wsUrl(base: string): string {
  return origin(base) + '/ws';
}

/** Connects to /ws: SchemaGateway */
export function connectWs(
  base: string,
  options?: ClientOptions,
): ClientSocket<WsListens, WsEmits> {
  return connect<WsListens, WsEmits>(wsUrl(base), options);
}

function origin(base: string): string {
  return base.replace(/\/+$/, '');
}
