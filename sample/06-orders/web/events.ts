/* eslint-disable */
// The events of 'Orders', version '1.0.0'. Made by nestjs-envelope from the contract: do not edit.

import { connect, type ClientOptions, type ClientSocket } from 'nestjs-envelope/client';

export interface Activity {
  order: number | null;
}

export interface Change {
  field: Field;
  from: string | number;
  to: string | number;
  by: string;
  version: number;
}

export interface Changes {
  status?: Status;
  quantity?: number;
  due?: string;
  note?: string;
}

export interface Edit {
  id: number;
  version: number;
  changes: Changes;
}

export type EditResult = ({
  outcome: "saved";
  order: Order;
} | {
  outcome: "conflict";
  order: Order;
  fields: Field[];
});

export type Field = "status" | "quantity" | "due" | "note";

export interface Member {
  key: string;
  metas: Activity[];
}

export interface Order {
  id: number;
  customer: string;
  city: string;
  item: string;
  status: Status;
  quantity: number;
  due: string;
  note: string;
  version: number;
  by: string;
  isArchived: boolean;
}

export interface OrderChanged {
  order: Order;
  changes: Change[];
}

export interface OrderDetails {
  order: Order;
  history: Change[];
}

export interface OrderRef {
  id: number;
}

export interface Orders {
  orders: Order[];
  version: number;
}

export interface PresenceChanged {
  room: string;
  rev: number;
  all?: Member[];
  join?: Member[];
  update?: Member[];
  leave?: string[];
  count?: number;
}

export interface Room {
  room: "orders";
}

export type Status = "new" | "packing" | "shipped" | "delivered";

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

/** What clients send to /orders. */
export interface OrdersEmits {
  'orders.watch': (answer?: (data: Orders) => void) => void;
  'people.watch': (data: Room, answer?: (data: Member[]) => void) => void;
  'order.open': (data: OrderRef, answer?: (data: OrderDetails) => void) => void;
  'order.close': (data: OrderRef, answer?: () => void) => void;
  'order.edit': (data: Edit, answer?: (data: EditResult) => void) => void;
}

/** What the server sends to clients of /orders. */
export interface OrdersListens {
  'order.changed': (data: OrderChanged) => void;
  presence: (data: PresenceChanged) => void;
  exception: (data: ExceptionData) => void;
}

/** The URL of /orders, below the URL of its server. In a page, `base` may be empty. */
export function ordersUrl(base: string): string {
  return origin(base) + '/orders';
}

/**
 * Connects to /orders: OrdersGateway
 *
 * The server checks who may connect before the connection opens. It refuses with an HTTP status, usually 401 or 403.
 *
 * The server reads the credentials from the first of these that is present: the subprotocol `envelope.auth.<text>`, where `<text>` is the base64url form of a JSON object with them, `{"token": "…"}`; the two subprotocols `bearer`, `<token>`; the header `Authorization: Bearer <token>`; the query field `token`. A browser cannot set headers, so it offers `envelope.v1` together with the first of them.
 */
export function connectOrders(
  base: string,
  options?: ClientOptions,
): ClientSocket<OrdersListens, OrdersEmits> {
  return connect<OrdersListens, OrdersEmits>(ordersUrl(base), options);
}

function origin(base: string): string {
  return base.replace(/\/+$/, '');
}
