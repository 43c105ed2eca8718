import { text } from './page.js';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ComponentType, ReactNode } from 'react';
import type { Observable } from 'rxjs';
import type { Readable } from 'svelte/store';
import { effectScope, type ShallowRef } from 'vue';
import type { ClientSocket } from '../../lib/client/node.js';
import { client } from '../client/fixture.js';
import { startApp, type TestApp } from '../support/app.js';
import { writeBlocks } from '../support/documentation.js';
import { until } from '../support/wait.js';
import { act, h, QUICK, render, strict } from './fixture.js';

/** The code of docs/react.md and docs/recipes.md, as printed. */
const FOLDER = join(process.cwd(), 'test/.documentation/react');
beforeAll(() => void writeBlocks(FOLDER));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));
const load = <Exports>(file: string): Promise<Exports> => import(join(FOLDER, file)) as Promise<Exports>;

interface Order {
  id: number;
  state: string;
}
interface Orders {
  orders: Map<number, Order>;
  server: {
    to(room: string): { emit(event: string, order: Order): void };
    sockets: Map<string, { terminate(): void }>;
  };
  save(order: Order): void;
}
type Provider = ComponentType<{ url: string; options?: object; children?: ReactNode }>;

async function serve(file: string, name: string): Promise<{ app: TestApp; gateway: Orders }> {
  const exports = await load<Record<string, Type<Orders>>>(file);
  const Gateway = exports[name]!;
  const app = await startApp({ providers: [Gateway] }, { adapter: { shutdownTimeout: 10 } });
  return { app, gateway: app.nest.get(Gateway) };
}

describe('docs/react.md', () => {
  it('shows an order, its changes, and a lost connection', async () => {
    const { app } = await serve('react/orders.gateway.ts', 'OrdersGateway');
    const { App } = await load<{ App: ComponentType<{ url: string; token(): Promise<string> }> }>(
      'react/app.tsx',
    );
    const page = h(App, { url: app.url('/ws'), token: () => Promise.resolve('t') });
    const { container } = render(strict(page));
    expect(text()).toBe('offline…');
    await until('the order', () => text() === 'Order 7 is open close');
    const { querySelector } = container as unknown as { querySelector(name: string): { click(): void } };
    querySelector.call(container, 'button').click();
    await until('the change', () => text() === 'Order 7 is closed close');
    await app.nest.close();
    await until('the loss', () => text() === 'offlineOrder 7 is closed close');
  });

  it('shows who is there', async () => {
    const { app } = await serve('react/board.gateway.ts', 'BoardGateway');
    const { Colleagues, EnvelopeProvider } = await load<{
      Colleagues: ComponentType<{ room: string }>;
      EnvelopeProvider: Provider;
    }>('react/colleagues.tsx');
    render(h(EnvelopeProvider, { url: app.url('/board') }, h(Colleagues, { room: 'board:7' })));
    await until('this page', () => text() === 'phone');
    const other = await app.connect('/board');
    other.send('{"event":"who","data":{"room":"board:7"}}');
    await until('the other one', () => text() === 'phonephone');
    other.ws.terminate();
    await until('its departure', () => text() === 'phone');
  });
});

describe('docs/recipes.md', () => {
  const start = async (): Promise<{ gateway: Orders; app: TestApp; socket: ClientSocket }> => {
    const { app, gateway } = await serve('recipes/orders.gateway.ts', 'OrdersGateway');
    return { app, gateway, socket: client(app.url('/orders')) as ClientSocket };
  };
  const stateOf = (orders: Order[] | undefined): string => (orders ?? []).map(({ state }) => state).join();

  it('TanStack Query: shows the list, its changes, and what a new connection missed', async () => {
    const { app, gateway } = await start();
    interface Recipe {
      EnvelopeProvider: Provider;
      useOrders(): { data: Order[] | undefined };
      useSaveOrder(): { mutate(order: Order): void };
    }
    const { EnvelopeProvider, useOrders, useSaveOrder } = await load<Recipe>('recipes/query.tsx');
    let save!: (order: Order) => void;
    const Page = (): string => {
      save = useSaveOrder().mutate;
      return stateOf(useOrders().data);
    };
    // otherwise it keeps what is unused for minutes, with a timer
    const kept = { gcTime: Infinity };
    const queries = new QueryClient({ defaultOptions: { queries: kept, mutations: kept } });
    const tree = h(EnvelopeProvider, { url: app.url('/orders'), options: QUICK }, h(Page));
    render(strict(h(QueryClientProvider, { client: queries }, tree)));
    await until('the list', () => text() === 'open');
    act(() => save({ id: 7, state: 'paid' }));
    await until('the change', () => text() === 'paid');
    for (const socket of gateway.server.sockets.values()) socket.terminate();
    gateway.orders.set(8, { id: 8, state: 'new' });
    await until('what was missed', () => text() === 'paid,new');
  });

  it('Vue: a composable shows the list, and ends with its scope', async () => {
    const { gateway, socket } = await start();
    interface Recipe {
      useOrders(socket: ClientSocket): { orders: ShallowRef<Order[]>; state: ShallowRef<string> };
    }
    const { useOrders } = await load<Recipe>('recipes/vue.ts');
    const scope = effectScope();
    const { orders, state } = scope.run(() => useOrders(socket))!;
    await until('the list', () => stateOf(orders.value) === 'open' && state.value === 'open');
    gateway.save({ id: 7, state: 'paid' });
    await until('the change', () => stateOf(orders.value) === 'paid');
    scope.stop();
    gateway.save({ id: 7, state: 'shipped' });
    await socket.emitWithAck('orders.watch');
    expect(stateOf(orders.value)).toBe('paid');
  });

  it('Angular: Observables share one subscription, and a later reader gets the current list', async () => {
    const { gateway, socket } = await start();
    interface Recipe {
      orders(socket: ClientSocket): Observable<Order[]>;
      connectionState(socket: ClientSocket): Observable<string>;
    }
    const recipe = await load<Recipe>('recipes/angular.ts');
    const states: string[] = [];
    const seen: string[][] = [[], []];
    const all = recipe.orders(socket);
    const first = all.subscribe((orders) => seen[0]!.push(stateOf(orders)));
    first.add(recipe.connectionState(socket).subscribe((state) => states.push(state)));
    await until('the list', () => seen[0]!.length === 1);
    gateway.save({ id: 7, state: 'paid' });
    await until('the change', () => seen[0]!.length === 2);
    const second = all.subscribe((orders) => seen[1]!.push(stateOf(orders)));
    expect(seen).toEqual([['open', 'paid'], ['paid']]);
    first.unsubscribe();
    second.unsubscribe();
    expect(states.slice(-2)).toEqual(['connecting', 'open']);
  });

  it('Svelte: a store shows the list, also to a second reader', async () => {
    const { gateway, socket } = await start();
    const { ordersOf } = await load<{ ordersOf(socket: ClientSocket): Readable<Order[]> }>(
      'recipes/svelte.ts',
    );
    const seen: string[] = [];
    const stop = ordersOf(socket).subscribe((orders) => seen.push(stateOf(orders)));
    await until('the list', () => seen.at(-1) === 'open');
    gateway.save({ id: 7, state: 'paid' });
    await until('the change', () => seen.at(-1) === 'paid');
    // another store, whose first answer the client has already
    const later: string[] = [];
    const stopLater = ordersOf(socket).subscribe((orders) => later.push(stateOf(orders)));
    await until('its list', () => later.length === 2);
    expect(later).toEqual(['', 'paid']);
    stop();
    stopLater();
  });
});
