import { useCallback, useEffect, useReducer, useRef } from 'react';
import { useEvent } from '../envelope.js';
import type { Field, OrderChanged, Orders } from '../events.js';

/** What changed in an order last. */
export interface Mark {
  readonly fields: readonly Field[];
  readonly version: number;
  /** `live`: seen as it happened; `new`: a new order; `away`: changed while this page was not connected. */
  readonly kind: 'live' | 'new' | 'away';
  readonly by: string;
}

export type Marks = ReadonlyMap<number, Mark>;

type Action =
  | { type: 'changed'; event: OrderChanged; me: string }
  | { type: 'back'; before: Orders; after: Orders; me: string }
  | { type: 'faded'; id: number; version: number }
  | { type: 'seen'; ids: readonly number[] };

/** Milliseconds for which a change is marked that was seen as it happened. The animations in table.css are as long. */
const FADES_AFTER = 6_000;

const FIELDS: readonly Field[] = ['status', 'quantity', 'due', 'note'];

function reduce(before: Marks, action: Action): Marks {
  const marks = new Map(before);
  if (action.type === 'changed') {
    const { order, changes } = action.event;
    const { id, version, by, isArchived } = order;
    if (isArchived || by === action.me) marks.delete(id);
    else
      marks.set(id, {
        fields: changes.map(({ field }) => field),
        version,
        kind: changes.length === 0 ? 'new' : 'live',
        by,
      });
  } else if (action.type === 'back') {
    const known = new Map(action.before.orders.map((order) => [order.id, order]));
    for (const order of action.after.orders) {
      const { id, version, by } = order;
      const fields = FIELDS.filter((field) => known.get(id)?.[field] !== order[field]);
      if (fields.length > 0 && by !== action.me) marks.set(id, { fields, version, kind: 'away', by });
    }
  } else if (action.type === 'faded') {
    const mark = marks.get(action.id);
    if (mark?.version !== action.version || mark.kind === 'away') return before;
    marks.delete(action.id);
  } else {
    const seen = action.ids.filter((id) => marks.get(id)?.kind === 'away');
    if (seen.length === 0) return before;
    for (const id of seen) marks.delete(id);
  }
  return marks;
}

/** Marks what others change, and what they changed while this page was not connected. */
export function useMarks(
  orders: Orders | undefined,
  isUpToDate: boolean,
  me: string,
): { marks: Marks; see: (ids: readonly number[]) => void } {
  const [marks, dispatch] = useReducer(reduce, new Map());
  useEvent('order.changed', (event) => {
    dispatch({ type: 'changed', event, me });
    const { id, version } = event.order;
    setTimeout(() => dispatch({ type: 'faded', id, version }), FADES_AFTER);
  });

  const shown = useRef<{ orders: Orders; isOld: boolean }>(undefined);
  useEffect(() => {
    const before = shown.current;
    if (orders === undefined || !isUpToDate) {
      if (before !== undefined) before.isOld = true;
      return;
    }
    if (before?.isOld === true) dispatch({ type: 'back', before: before.orders, after: orders, me });
    shown.current = { orders, isOld: false };
  }, [orders, isUpToDate, me]);

  return { marks, see: useCallback((ids) => dispatch({ type: 'seen', ids }), []) };
}
