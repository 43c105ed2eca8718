import { connect, type ClientOptions } from 'nestjs-envelope/client';

export type Status = 'new' | 'packing' | 'shipped' | 'delivered';
export type Field = 'status' | 'quantity' | 'due' | 'note';
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
export interface Change {
  field: Field;
  from: string | number;
  to: string | number;
  by: string;
  version: number;
}
export interface Activity {
  order: number | null;
}
export interface Member {
  key: string;
  metas: Activity[];
}
export interface Room {
  room: 'orders';
}
export interface PeopleChanged {
  room: string;
  join: Member[];
  leave: string[];
}
export interface Orders {
  orders: Order[];
  version: number;
}
export interface OrderRef {
  id: number;
}
export interface OrderDetails {
  order: Order;
  history: Change[];
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
export type EditResult =
  { outcome: 'saved'; order: Order } | { outcome: 'conflict'; order: Order; fields: Field[] };
export interface OrderChanged {
  order: Order;
  changes: Change[];
}
export interface OrdersEmits {
  'orders.watch': (answer: (data: Orders) => void) => void;
  'people.watch': (data: Room, answer: (data: Member[]) => void) => void;
  'order.open': (data: OrderRef, answer: (data: OrderDetails) => void) => void;
  'order.close': (data: OrderRef) => void;
  'order.edit': (data: Edit, answer: (data: EditResult) => void) => void;
}
export interface OrdersListens {
  'order.changed': (data: OrderChanged) => void;
  'people.changed': (data: PeopleChanged) => void;
}
export const connectOrders = (base: string, options?: ClientOptions) =>
  connect<OrdersListens, OrdersEmits>(`${base}/orders`, options);
