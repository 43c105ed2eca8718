import type { Change, Order, OrderChanged, OrderDetails, Orders } from '../events.js';

// How events change what the server answered. An event may be older than the answer: of two versions, the higher one counts.

export function changeOrders(before: Orders, { order }: OrderChanged): Orders {
  const known = before.orders.find(({ id }) => id === order.id);
  if (order.version <= (known?.version ?? before.version)) return before;
  const others = before.orders.filter(({ id }) => id !== order.id);
  return { ...before, orders: order.isArchived ? others : [...others, order] };
}

export function changeDetails(before: OrderDetails, { order, changes }: OrderChanged): OrderDetails {
  if (order.id !== before.order.id || order.version <= before.order.version) return before;
  return { order, history: [...changes, ...before.history] };
}

/** The newest order first. */
export const sortOrders = (orders: readonly Order[]): Order[] =>
  [...orders].sort((one, other) => other.id - one.id);

/** Who changed a field last, if that is known. */
export const authorOf = (history: readonly Change[], field: string): string | undefined =>
  history.find((change) => change.field === field)?.by;
