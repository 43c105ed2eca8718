import { DisconnectedError, RequestError } from 'nestjs-envelope/client';
import { useSocket } from '../envelope.js';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ExceptionData, Field, Order } from '../events.js';
import { useAnnounce } from '../ui/announcer.js';
import { FIELD_NAMES } from '../ui/formats.js';
import {
  changesOf,
  conflictsOf,
  dropField,
  editField,
  keepField,
  settle,
  type Draft,
  type Value,
} from './drafts.js';

/** Milliseconds in which the server answers an edit, and for which an edit waits for the connection. */
const ANSWER_TIMEOUT = 10_000;
const OFFLINE_TIMEOUT = 60 * 60_000;

export interface Drafts {
  readonly all: ReadonlyMap<number, Draft>;
  edit(order: Order, field: Field, to: Value): void;
  /** Decides a conflict. */
  keepMine(order: Order, field: Field): void;
  takeTheirs(order: Order, field: Field): void;
  discard(id: number): void;
  /** Also repeats an edit that failed. */
  save(order: Order): Promise<void>;
}

/** The edits of this tab that are not saved. They are kept when their order is closed, and while the page is offline. */
export function useDrafts(orders: ReadonlyMap<number, Order>): Drafts {
  const socket = useSocket();
  const announce = useAnnounce();
  const [drafts, setDrafts] = useState<ReadonlyMap<number, Draft>>(new Map());
  const requests = useRef(new Map<number, AbortController>());

  const all = useMemo(() => {
    const settled = [...drafts].map(([id, draft]) => {
      const order = orders.get(id);
      return [id, order === undefined ? draft : settle(draft, order)] as const;
    });
    return new Map(settled.filter((entry): entry is [number, Draft] => entry[1] !== undefined));
  }, [drafts, orders]);

  const hasDrafts = all.size > 0;
  useEffect(() => {
    if (!hasDrafts) return undefined;
    // the browser asks before it leaves the page
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [hasDrafts]);

  const change = (id: number, next: (draft: Draft | undefined) => Draft | undefined): void =>
    setDrafts((before) => {
      const after = new Map(before);
      const draft = next(before.get(id));
      if (draft === undefined) after.delete(id);
      else after.set(id, draft);
      return after;
    });

  /** An edit that waits for the connection is not sent. */
  const takeBack = (id: number): void => {
    requests.current.get(id)?.abort();
    requests.current.delete(id);
  };

  /** The server may save this edit now: its answer comes first. */
  const isUnderWay = (id: number): boolean => socket.connected && all.get(id)?.state === 'sent';

  return {
    all,
    edit(order, field, to) {
      if (isUnderWay(order.id)) return;
      takeBack(order.id);
      change(order.id, (draft) => editField(draft, order, field, to));
    },
    keepMine: (order, field) => change(order.id, (draft) => draft && keepField(draft, order, field)),
    takeTheirs: (order, field) => change(order.id, (draft) => draft && dropField(draft, field)),
    discard(id) {
      if (isUnderWay(id)) return;
      takeBack(id);
      change(id, () => undefined);
    },
    async save(order) {
      const { id, version } = order;
      const draft = all.get(id);
      if (draft === undefined || draft.state === 'sent' || conflictsOf(draft, order).length > 0) return;
      const request = new AbortController();
      requests.current.set(id, request);
      change(id, (before) => before && { fields: before.fields, state: 'sent' });
      if (!socket.connected) announce(`Order ${id} is saved as soon as the connection is back`);
      try {
        const result = await socket
          .timeout(socket.connected ? ANSWER_TIMEOUT : OFFLINE_TIMEOUT)
          .signal(request.signal)
          .emitWithAck('order.edit', { id, version, changes: changesOf(draft) });
        if (result.outcome === 'saved') {
          change(id, () => undefined);
          announce(`Order ${id} is saved`);
        } else {
          change(id, (before) => before && { fields: before.fields, state: 'editing' });
          const fields = result.fields.map((field) => FIELD_NAMES[field].toLowerCase()).join(' and ');
          announce(`Order ${id} is not saved: somebody else changed ${fields}. Choose which value stays.`);
        }
      } catch (error) {
        if (request.signal.aborted) return;
        const why = inWords(error);
        change(id, (before) => before && { fields: before.fields, state: 'failed', error: why });
        announce(`Order ${id} is not saved: ${why}`);
      } finally {
        if (requests.current.get(id) === request) requests.current.delete(id);
      }
    },
  };
}

function inWords(error: unknown): string {
  if (error instanceof DisconnectedError) return 'the connection was lost before the server answered';
  if (!(error instanceof RequestError)) return 'the server did not answer in time';
  // what Nest's pipes say is a list
  const { message } = error.data as ExceptionData;
  return Array.isArray(message) ? message.join(', ') : (message ?? error.message);
}
