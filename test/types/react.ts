/** Checked by `tsc`, never run: the hooks of React with the type maps of the server. */
import { createElement, type ReactElement } from 'react';
import { connect, type ClientSocket } from '../../lib/client/index.js';
import {
  createEnvelopeHooks,
  EnvelopeProvider as AnyProvider,
  useSubscription as useAny,
  type PresenceChange,
  type PresenceMember,
} from '../../lib/react/index.js';

interface Order {
  id: number;
  state: 'open' | 'paid';
}
interface Listens {
  'order.changed': (order: Order) => void;
  'order.removed': (id: number) => void;
  bye: () => void;
  'where are you?': (answer: (place: string) => void) => void;
  present: (change: PresenceChange<{ device: string }>) => void;
}
interface Emits {
  'orders.watch': (answer: (orders: Order[]) => void) => void;
  'order.watch': (which: { id: number }, answer: (order: Order) => void) => void;
  'order.unwatch': (which: { id: number }) => void;
  find: (text?: string, answer?: (orders: Order[]) => void) => void;
  range: (from: number, to: number, answer: (orders: Order[]) => void) => void;
  ticks: (every: number, value: (tick: bigint) => void) => void;
  news: (value: (text: string) => void) => void;
  who: (where: { room: string }, answer: (members: PresenceMember<{ device: string }>[]) => void) => void;
}

const hooks = createEnvelopeHooks<Listens, Emits>();
const { EnvelopeProvider, useConnectionState, useEvent, useHistory, useOthers, usePresence } = hooks;
const { useRequest, useSocket, useStream, useSubscription } = hooks;

export function Providers(): ReactElement[] {
  const socket = connect<Listens, Emits>('/orders');
  return [
    createElement(EnvelopeProvider, { url: '/orders', auth: () => 'token', options: { ackTimeout: 1 } }, 'x'),
    createElement(EnvelopeProvider, { url: new URL('wss://x'), auth: { token: 'x' } }),
    createElement(EnvelopeProvider, { socket }),
    createElement(AnyProvider, { socket: connect('/other') }),
    // @ts-expect-error a URL or a client
    createElement(EnvelopeProvider, {}),
    // @ts-expect-error not both
    createElement(EnvelopeProvider, { url: '/orders', socket }),
    // @ts-expect-error credentials are a property
    createElement(EnvelopeProvider, { url: '/orders', options: { auth: 'token' } }),
    // @ts-expect-error a client of other events
    createElement(EnvelopeProvider, { socket: connect<{ other: () => void }, { x: () => void }>('/x') }),
  ];
}

export function Events(): string {
  const socket: ClientSocket<Listens, Emits> = useSocket();
  socket.emit('order.unwatch', { id: 1 });
  const state = useConnectionState();
  useEvent('order.changed', (order) => order.state === 'paid');
  useEvent('bye', () => undefined);
  useEvent('where are you?', () => 'here');
  useEvent('where are you?', (answer) => answer('here'));
  useEvent('connect', ({ missed }) => missed);
  useEvent('disconnect', (reason, { willReconnect }) => reason.length > 0 && willReconnect);
  // @ts-expect-error the server has no such event
  useEvent('other', () => undefined);
  // @ts-expect-error the data is an order
  useEvent('order.changed', (text: string) => text);
  return state === 'open' ? 'online' : state;
}

export function Requests(): unknown[] {
  const all = useRequest('orders.watch');
  const one = useRequest('order.watch', { id: 1 }, { enabled: true, timeout: 1_000 });
  const found: Order[] | undefined = useRequest('find').data;
  const range: Order[] | undefined = useRequest('range', [1, 2]).data;
  one.refetch();
  // @ts-expect-error the id is a number
  useRequest('order.watch', { id: '1' });
  // @ts-expect-error the data is missing
  useRequest('order.watch');
  // @ts-expect-error not a request
  useRequest('order.unwatch', { id: 1 });
  // @ts-expect-error no such option
  useRequest('orders.watch', undefined, { leave: 'order.unwatch' });
  // @ts-expect-error undefined before the first answer
  const state: string = one.data.state;
  return [
    all.data?.[0]?.state,
    one.data?.id.toFixed(),
    found,
    range,
    one.error?.message,
    one.isPending,
    state,
  ];
}

export function Subscriptions(): unknown[] {
  const order = useSubscription(
    'order.watch',
    { id: 1 },
    {
      leave: 'order.unwatch',
      on: { 'order.changed': (before, after) => (after.id === before.id ? after : before) },
    },
  );
  const orders = useSubscription('orders.watch', undefined, {
    enabled: true,
    on: {
      'order.changed': (list, order) => list.map((other) => (other.id === order.id ? order : other)),
      'order.removed': (list, id) => list.filter((other) => other.id !== id),
      bye: () => [],
    },
  });
  // @ts-expect-error the data is an order
  useSubscription('order.watch', { id: 1 }, { on: { 'order.removed': (_, id) => id } });
  // @ts-expect-error no such event
  useSubscription('order.watch', { id: 1 }, { on: { other: (before) => before } });
  // @ts-expect-error no such event
  useSubscription('order.watch', { id: 1 }, { leave: 'other' });
  const any = useAny('anything', { id: 1 }, { on: { whatever: (before) => before } }).data;
  return [order.data?.state, orders.data?.length, order.state === 'refused' && order.error?.message, any.x.y];
}

export function Streams(): unknown[] {
  const tick: bigint | undefined = useStream('ticks', 100, { restartOnConnect: true }).data;
  const text = useStream('news', undefined, { reduce: (before: string[] = [], value) => [...before, value] });
  // @ts-expect-error the data is a number
  useStream('ticks', '100');
  return [tick, text.data?.join(), text.state === 'failed' && text.error?.message, text.restart()];
}

export function Room(): string[] {
  const { messages, complete } = useHistory('chat:7', {
    enter: 'order.watch',
    data: { id: 7 },
    leave: 'order.unwatch',
    event: 'order.changed',
    limit: 100,
  });
  const isWhole: boolean | undefined = complete;
  // @ts-expect-error the data of another event
  useHistory('chat:7', { enter: 'order.watch', data: 7, leave: 'order.unwatch', event: 'order.changed' });
  // @ts-expect-error how to leave is missing
  useHistory('chat:7', { enter: 'order.watch', data: { id: 7 }, event: 'order.changed' });
  return [String(isWhole), ...messages.map(({ data, position }) => position + data.state.toUpperCase())];
}

export function Present(): string[] {
  const { list } = usePresence('red', { watch: 'who', change: 'present' });
  // @ts-expect-error no such event
  usePresence('red', { watch: 'who', change: 'other' });
  return list.map(({ key, metas }) => key + metas.map(({ device }) => device.toUpperCase()).join());
}

export function Others(): string[] {
  const { others, set, isCurrent, count } = useOthers<{ x: number }>('red', { event: 'states' });
  set({ x: 1 });
  set(null);
  set({ x: count }, { ttl: 5_000 });
  // @ts-expect-error x is a number
  set({ x: '1' });
  // @ts-expect-error no such option
  useOthers('red', { every: 5 });
  return isCurrent ? others.map(({ id, key, state }) => id + (key ?? '') + state.x.toFixed()) : [];
}
