import { element, showPage, text } from './page.js';
import { PassThrough } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Suspense, use, useState, type ReactElement, type ReactNode } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { renderToPipeableStream, renderToString } from 'react-dom/server';
import { createEnvelopeHooks } from '../../lib/react/index.js';
import { deferred, until } from '../support/wait.js';
import { h, hooks, recorder, start, type Started } from './fixture.js';
import type { Emits, Item, Listens } from './gateway.js';

/** Returns the same page twice: React does not support one context in two renderers at the same time. */
function pages({
  page: inPage,
  url,
}: Pick<Started, 'page' | 'url'>): Record<'inPage' | 'onServer', Components> {
  const other = createEnvelopeHooks<Listens, Emits>();
  const wrap = (...children: ReactNode[]): ReactElement => h(other.EnvelopeProvider, { url }, ...children);
  return { inPage: components(hooks, inPage), onServer: components(other, wrap) };
}

type Components = ReturnType<typeof components>;
function components(set: typeof hooks, page: Started['page']) {
  /** Uses every hook. */
  const Everything = (): string => {
    const state = set.useConnectionState();
    set.useEvent('changed', () => undefined);
    const found = set.useRequest('find', { id: 1 });
    const watched = set.useSubscription('watch', { id: 1 });
    const ticks = set.useStream('ticks', 2);
    const { list } = set.usePresence('red', { watch: 'presence.watch', change: 'presence.changed' });
    const { others } = set.useOthers('red');
    const { messages } = set.useHistory('chat:1', {
      enter: 'enter',
      data: { id: 1 },
      leave: 'exit',
      event: 'said',
    });
    const version = (item?: Item): string => String(item?.version ?? '-');
    const shown = [
      version(found.data),
      version(watched.data),
      watched.state,
      ticks.data ?? '-',
      list.length + messages.length,
      others.length,
    ];
    return `${state} ${shown.join(' ')}`;
  };
  const Shown = ({ item }: { item: Promise<Item> }): string => `version ${use(item).version}`;
  /** Makes the promise above the boundary, which keeps it. */
  const Detail = (): ReactElement => {
    const socket = set.useSocket();
    const [item] = useState(() => socket.emitWithAck('find', { id: 1 }));
    return h(Suspense, { fallback: 'loading' }, h(Shown, { item }));
  };
  return { everything: page(h(Everything)), detail: page(h(Detail)) };
}

/** Renders as a server does, without the globals of a page. */
async function onServer<Result>(run: () => Result | Promise<Result>): Promise<Result> {
  showPage(false);
  try {
    return await run();
  } finally {
    showPage(true);
  }
}

const roots: Root[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) root.unmount();
});

/** Hydrates HTML, and returns the errors from which React recovers. */
function hydrate(html: string, tree: ReactElement): unknown[] {
  const errors: unknown[] = [];
  roots.push(hydrateRoot(element(html), tree, { onRecoverableError: (error) => errors.push(error) }));
  return errors;
}

/** Renders without `act`, in which React does not wait for promises. */
function mount(tree: ReactElement): Root {
  const root = createRoot(element());
  roots.push(root);
  root.render(tree);
  return root;
}

describe('a server that renders', () => {
  it('does not connect, and takes the path of the page', async () => {
    const { gateway, url } = await start();
    const { useSocket, EnvelopeProvider } = createEnvelopeHooks<Listens, Emits>();
    const sockets = recorder(() => useSocket());
    for (const to of [url, '/page']) {
      const { onServer: made } = pages({ page: () => h('p'), url: to });
      expect(await onServer(() => renderToString(made.everything))).toBe('idle - - pending - 0 0');
      await onServer(() => renderToString(h(EnvelopeProvider, { url: to }, h(sockets.Component))));
    }
    const [one, two] = sockets.seen;
    expect(one).not.toBe(two);
    expect(one!.emit('unwatch', { id: 1 })).toBe(false);
    await expect(one!.emitWithAck('find', { id: 1 })).rejects.toMatchObject({ name: 'DisconnectedError' });
    one!.connect();
    await until('the failure', () => one!.state === 'closed');
    expect(gateway.clients).toEqual([]);
  });

  it('is followed by a page that hydrates without an error, and connects', async () => {
    const started = await start();
    const { gateway } = started;
    const tree = pages(started);
    const html = await onServer(() => renderToString(tree.onServer.everything));
    expect(html).toBe('idle - - pending - 0 0');
    const errors = hydrate(html, tree.inPage.everything);
    await until('the data', () => text() === 'open 1 1 active 2 1 0');
    expect(errors).toEqual([]);
    expect(gateway.clients).toHaveLength(1);
    expect(gateway.log.filter((line) => /find|watch/.test(line)).sort()).toEqual(['find 1', 'watch 1']);
  });
});

describe('Suspense', () => {
  it('waits for a request of a component above it', async () => {
    const started = await start();
    mount(pages(started).inPage.detail);
    await until('the answer', () => text() === 'version 1');
    expect(started.gateway.log).toEqual(['find 1']);
  });

  it('shows its fallback on a server, and the answer in the page', async () => {
    const tree = pages(await start());
    const failures: unknown[] = [];
    const html = await onServer(() => {
      const onError = (error: unknown): void => void failures.push(error);
      return readAll(renderToPipeableStream(tree.onServer.detail, { onError }).pipe(new PassThrough()));
    });
    expect(failures).toMatchObject([{ name: 'DisconnectedError' }]);
    expect(html).toContain('loading');
    const errors = hydrate(html, tree.inPage.detail);
    await until('the answer', () => text().includes('version 1'));
    // React reports that the server gave up
    expect(errors).toHaveLength(1);
  });

  it('keeps the subscriptions of siblings while a component waits', async () => {
    const { page, gateway } = await start();
    const { promise, resolve } = deferred<string>();
    const Slow = (): string => use(promise);
    const Watch = (): string => {
      const { data } = hooks.useSubscription(
        'watch',
        { id: 1 },
        { on: { changed: (_, changed) => changed } },
      );
      return `v${data?.version ?? '-'} `;
    };
    const tree = (slow?: ReactNode): ReactElement =>
      page(h(Suspense, { key: 's', fallback: 'waiting' }, h(Watch, { key: 'w' }), slow));
    const root = mount(tree());
    await until('the answer', () => text() === 'v1 ');
    root.render(tree(h(Slow, { key: 'x' })));
    await until('the fallback', () => text().includes('waiting'));
    gateway.change(1);
    resolve('done');
    await until('both', () => text() === 'v2 done');
    expect(gateway.log).toEqual(['watch 1']);
  });
});
