import { text } from './page.js';
import { useState } from 'react';
import { deferred } from '../support/wait.js';
import type { Item } from './gateway.js';
import { act, allGone, h, hooks, recorder, render, start, strict, until } from './fixture.js';

const { useConnectionState, usePresence, useSubscription } = hooks;

const newer = (item: Item, changed: Item): Item => (changed.id === item.id ? changed : item);

/** Shows an item, kept up to date. */
function Watch({ id, enabled, name = '' }: { id: number; enabled?: boolean; name?: string }): string {
  const { data, error, state } = useSubscription(
    'watch',
    { id },
    {
      leave: 'unwatch',
      enabled,
      on: { changed: newer },
    },
  );
  return `${name}${data ? `${data.id}.${data.version}` : '-'} ${error?.message ?? state};`;
}

describe('useSubscription', () => {
  it('subscribes once under StrictMode, applies events, and leaves when it is unmounted', async () => {
    const { gateway, page } = await start();
    const { rerender } = render(strict(page(h(Watch, { id: 7 }))));
    expect(text()).toBe('- pending;');
    await until('the answer', () => text() === '7.1 active;');
    gateway.change(7);
    await until('the change', () => text() === '7.2 active;');
    rerender(strict(page()));
    await until('the end', () => gateway.log.includes('unwatch 7'));
    expect(gateway.log).toEqual(['watch 7', 'unwatch 7']);
    await until('an empty room', () => !gateway.last.rooms.has('item:7'));
  });

  it('ends the subscription of earlier data, and never shows its answer with the new one', async () => {
    const { gateway, page } = await start();
    const { seen, Component } = recorder(() => undefined);
    const { rerender } = render(page(h(Component), h(Watch, { id: 1 })));
    await until('the first', () => text() === '1.1 active;');
    rerender(page(h(Component), h(Watch, { id: 2 })));
    expect(text()).toBe('- pending;');
    await until('the second', () => text() === '2.1 active;');
    await until('the end of the first', () => gateway.log.includes('unwatch 1'));
    gateway.change(1);
    gateway.change(2);
    await until('the change', () => text() === '2.3 active;');
    expect(seen).toHaveLength(2);
    expect(gateway.log).toEqual(['watch 1', 'watch 2', 'unwatch 1']);
  });

  it('applies events that arrive before the answer after it', async () => {
    const { gateway, page } = await start();
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    render(page(h(Watch, { id: 7 })));
    await until('the request', () => gateway.last?.rooms.has('item:7'));
    // the handler has read version 1 already
    gateway.change(7);
    gateway.change(8);
    await gateway.last.emitWithAck('where are you?').catch(() => undefined);
    expect(text()).toBe('- pending;');
    resolve();
    await until('the answer', () => text() === '7.2 active;');
  });

  it('gives a component that comes later a new answer, and the other one misses nothing', async () => {
    const { gateway, page } = await start();
    const { rerender } = render(page(h(Watch, { id: 7, key: 'a' })));
    await until('the answer', () => text() === '7.1 active;');
    gateway.change(7);
    await until('the change', () => text() === '7.2 active;');
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    rerender(page(h(Watch, { id: 7, key: 'a' }), h(Watch, { id: 7, key: 'b', name: 'late ' })));
    await until('the second request', () => gateway.log.length === 2);
    gateway.change(7);
    await until('the change', () => text() === '7.3 active;late - pending;');
    resolve();
    await until('the answer', () => text() === '7.3 active;late 7.3 active;');
    rerender(page(h(Watch, { id: 7, key: 'b', name: 'late ' })));
    gateway.change(7);
    await until('one more change', () => text() === 'late 7.4 active;');
    expect(gateway.log).toEqual(['watch 7', 'watch 7']);
    rerender(page());
    await until('the end', () => gateway.log.includes('unwatch 7'));
  });

  it('gives a component that comes while the answer is under way a new answer, too', async () => {
    const { gateway, page } = await start();
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    const { rerender } = render(page(h(Watch, { id: 7, key: 'a' })));
    await until('the request', () => gateway.last?.rooms.has('item:7'));
    gateway.change(7);
    await gateway.last.emitWithAck('where are you?').catch(() => undefined);
    rerender(page(h(Watch, { id: 7, key: 'a' }), h(Watch, { id: 7, key: 'b' })));
    await until('the second request', () => gateway.log.length === 2);
    resolve();
    await until('the answers', () => text() === '7.2 active;7.2 active;');
  });

  it('shares one request among components of one render', async () => {
    const { gateway, page } = await start();
    render(strict(page(h(Watch, { id: 7 }), h(Watch, { id: 7 }), h(Watch, { id: 8 }))));
    await until('the answers', () => text() === '7.1 active;7.1 active;8.1 active;');
    expect(gateway.log).toEqual(['watch 7', 'watch 8']);
  });

  it('keeps the data while the connection is away, and gets the new state afterwards', async () => {
    const { gateway, page } = await start();
    render(page(h(Watch, { id: 7 })));
    await until('the answer', () => text() === '7.1 active;');
    const { promise, resolve } = deferred();
    gateway.gate = promise;
    gateway.version = 5;
    gateway.last.terminate();
    await until('the loss', () => text() === '7.1 pending;');
    await until('the second request', () => gateway.log.length === 2);
    gateway.change(7);
    await until('the change', () => text() === '7.6 pending;');
    resolve();
    await until('the answer', () => text() === '7.6 active;');
  });

  it('is active again at once after a recovered session, with what it missed', async () => {
    const { gateway, page } = await start({ adapter: { recovery: true, shutdownTimeout: 10 } });
    render(page(h(Watch, { id: 7 })));
    await until('the answer', () => text() === '7.1 active;');
    gateway.change(7);
    await until('an offset in the log', () => text() === '7.2 active;');
    gateway.last.request.socket.destroy();
    await until('the loss', () => text() === '7.2 pending;');
    gateway.change(7);
    await until('the missed change', () => text() === '7.3 active;');
    expect(gateway.log).toEqual(['watch 7']);
  });

  it('shows a refusal, hides the data, and gets an answer on the next connection', async () => {
    const { gateway, page } = await start();
    render(page(h(Watch, { id: 7 })));
    await until('the answer', () => text() === '7.1 active;');
    gateway.refused.add(7);
    gateway.last.terminate();
    await until('the refusal', () => text() === '- not yours;');
    gateway.refused.clear();
    gateway.last.terminate();
    await until('the next answer', () => text() === '7.1 active;');
  });

  it('waits until it is enabled, and stops when it is not', async () => {
    const { gateway, page } = await start();
    const { rerender } = render(page(h(Watch, { id: 7, enabled: false })));
    expect(text()).toBe('- stopped;');
    rerender(page(h(Watch, { id: 7, enabled: true })));
    await until('the answer', () => text() === '7.1 active;');
    rerender(page(h(Watch, { id: 7, enabled: false })));
    expect(text()).toBe('- stopped;');
    await until('the end', () => gateway.log.includes('unwatch 7'));
  });

  it('does not render for events of something else, and reports what a reducer throws', async () => {
    const { gateway, page } = await start();
    const versions: (number | undefined)[] = [];
    let isBroken = false;
    const Page = (): null => {
      const { data } = useSubscription(
        'watch',
        { id: 7 },
        {
          on: {
            changed: (item, changed) => {
              if (isBroken) throw new Error('broken');
              return newer(item, changed);
            },
          },
        },
      );
      versions.push(data?.version);
      return null;
    };
    const State = (): string => useConnectionState();
    render(page(h(Page), h(Watch, { id: 8 }), h(State)));
    await until('the answers', () => versions.at(-1) === 1 && text().includes('8.1'));
    const count = versions.length;
    gateway.change(8);
    await until('the change', () => text().includes('8.2'));
    expect(versions).toHaveLength(count);
    const errors: unknown[] = [];
    Reflect.set(globalThis, 'reportError', (error: unknown) => errors.push(error));
    isBroken = true;
    gateway.change(7);
    await until('the report', () => errors.length === 1);
    Reflect.deleteProperty(globalThis, 'reportError');
    isBroken = false;
    gateway.change(7);
    await until('the next change', () => versions.at(-1) === 4);
  });

  it('applies events with the reducer of the last render', async () => {
    const { gateway, page } = await start();
    let setName!: (name: string) => void;
    const Page = (): string => {
      const [name, set] = useState('first');
      setName = set;
      const { data } = useSubscription(
        'watch',
        { id: 7 },
        {
          on: { changed: (item, { version }) => Object.assign({}, item, { version, name }) },
        },
      );
      return `${data?.version} ${(data as { name?: string } | undefined)?.name}`;
    };
    render(page(h(Page)));
    await until('the answer', () => text() === '1 undefined');
    act(() => setName('second'));
    gateway.change(7);
    await until('the change', () => text() === '2 second');
    expect(gateway.log).toEqual(['watch 7']);
  });

  it('leaves neither a listener nor a connection behind', async () => {
    const { gateway, page } = await start();
    const counts: [string, number][] = [];
    const Spy = (): null => {
      const socket = hooks.useSocket();
      for (const [method, sign] of [
        ['on', 1],
        ['off', -1],
      ] as const) {
        const original = socket[method].bind(socket);
        socket[method] = ((event: string, listener: never) => (
          counts.push([event, sign]),
          original(event as never, listener)
        )) as never;
      }
      return null;
    };
    const { rerender, unmount } = render(strict(page(h(Spy), h(Watch, { id: 7 }))));
    await until('the answer', () => text() === '7.1 active;');
    rerender(strict(page()));
    expect(counts.length).toBeGreaterThan(3);
    expect(counts.reduce((sum, [, sign]) => sum + sign, 0)).toBe(0);
    unmount();
    await allGone(gateway);
    expect(gateway.clients).toHaveLength(1);
  });
});

describe('usePresence', () => {
  const Present = ({ room }: { room: string }): string => {
    const events = {
      watch: 'presence.watch',
      leave: 'presence.unwatch',
      change: 'presence.changed',
    } as const;
    const { list, error, state } = usePresence(room, events);
    const people = list.map(({ key, metas }) => `${key} ${metas.map(({ status }) => status).join()}`);
    return `${error?.message ?? state}: ${people.sort().join(', ')}`;
  };

  it('lists the members of a room, and follows their changes', async () => {
    const { app, gateway, page } = await start();
    const { rerender } = render(strict(page(h(Present, { room: 'red' }))));
    await until('the list', () => text() === 'active: user 0 here');
    const other = await app.connect('/page');
    other.send('{"event":"presence.watch","data":{"room":"red"}}');
    await until('the other one', () => text() === 'active: user 0 here, user 1 here');
    other.send('{"event":"status","data":"away"}');
    await until('the status', () => text() === 'active: user 0 here, user 1 away');
    other.ws.terminate();
    await until('the departure', () => text() === 'active: user 0 here');
    rerender(strict(page(h(Present, { room: 'blue' }))));
    expect(text()).toBe('pending: ');
    await until('the list of the other room', () => text() === 'active: user 0 here');
    await until('the end of the first', () => gateway.log.includes('no presence red'));
    expect(gateway.log.slice(0, 1)).toEqual(['presence red']);
  });

  it('gets a new list after a cut', async () => {
    const { gateway, page } = await start();
    render(page(h(Present, { room: 'red' })));
    await until('the list', () => text() === 'active: user 0 here');
    gateway.last.terminate();
    await until('the new list', () => text() === 'active: user 1 here');
  });
});
