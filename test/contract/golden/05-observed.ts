/* eslint-disable */
// The events of '05-observed', version '1.0.0'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface BidDto {
  lot: "clock" | "globe" | "lens";
  amount: number;
}

export interface LotDto {
  id: string;
  title: string;
  price: number;
  bidder?: string;
}

export interface NewsDto {
  text: string;
}

export interface WatchDto {
  lot: "clock" | "globe" | "lens";
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

/** What clients send to /auction. */
export interface AuctionEmits {
  /** All lots and their prices */
  lots: (answer?: (data: LotDto[]) => void) => void;
  /** Bids for a lot. Everyone in the hall receives the new price */
  bid: (data: BidDto, answer?: (data: LotDto) => void) => void;
  /**
   * Streams each new price of one lot
   *
   * A stream: `socket.stream` gets all values.
   */
  watch: (data: WatchDto, answer?: (data: LotDto) => void) => void;
  /** Fails, to show an error in traces, metrics and the log */
  appraise: (answer?: (data: unknown) => void) => void;
}

/** What the server sends to clients of /auction. */
export interface AuctionListens {
  price: (data: LotDto) => void;
  news: (data: NewsDto) => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /auction, below the URL of its server. In a page, `base` may be empty. */
export function auctionUrl(base: string): string {
  return origin(base) + '/auction';
}

/**
 * Connects to /auction: AuctionGateway
 *
 * Lots, bids and bidders.
 *
 * The server checks who may connect before the connection opens. It refuses with an HTTP status, usually 401 or 403.
 *
 * The server reads the credentials from the first of these that is present: the subprotocol `envelope.auth.<text>`, where `<text>` is the base64url form of a JSON object with them, `{"token": "…"}`; the two subprotocols `bearer`, `<token>`; the header `Authorization: Bearer <token>`; the query field `token`. A browser cannot set headers, so it offers `envelope.v1` together with the first of them.
 */
export function connectAuction(
  base: string,
  options?: ClientOptions,
): ClientSocket<AuctionListens, AuctionEmits> {
  return connect<AuctionListens, AuctionEmits>(auctionUrl(base), options);
}

function origin(base: string): string {
  return base.replace(/\/+$/, '');
}
