import { element, text } from './page.js';
import { Activity, startTransition, useState, type ReactNode } from 'react';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { createEnvelopeHooks } from '../../lib/react/index.js';
import { act, allGone, h, hooks, QUICK, recorder, render, start, strict, until } from './fixture.js';

const { EnvelopeProvider, useConnectionState, useSocket } = hooks;
const State = (): string => `(${useConnectionState()})`;
const socketOf = (): { seen: ClientSocket[]; Component: () => null } =>
  recorder(() => useSocket() as unknown as ClientSocket);

describe('EnvelopeProvider', () => {
  it('connects after it is mounted, and closes a moment after it is unmounted', async () => {
    const { gateway, page } = await start();
    const { unmount } = render(page(h(State)));
    expect(text()).toBe('(connecting)');
    await until('the connection', () => text() === '(open)');
    unmount();
    await allGone(gateway);
    expect(gateway.clients).toHaveLength(1);
    expect(gateway.last.closed).toMatchObject({ code: 1000, initiator: 'client' });
  });

  it('shares one connection for each URL and credentials', async () => {
    const { gateway, url } = await start();
    const { seen, Component } = socketOf();
    const part = (auth?: object, to: string | URL = url): ReactNode =>
      h(EnvelopeProvider, { url: to, auth: auth as never, options: QUICK }, h(Component), h(State));
    const token = (): string => 'ada';
    const rest = [{ token: 'ada' }, { token: 'ada' }, { token: 'bob' }, token, token].map((auth) =>
      part(auth),
    );
    render(h('p', null, part(), part(undefined, new URL(url)), ...rest));
    await until('the connections', () => text() === '(open)'.repeat(7));
    expect(new Set(seen).size).toBe(4);
    expect(gateway.clients).toHaveLength(4);
    for (const socket of seen) socket.disconnect();
  });

  it('keeps one connection under StrictMode, and where a component is mounted soon after the last one', async () => {
    const { gateway, page } = await start();
    const first = render(strict(page(h(State))));
    await until('the connection', () => text() === '(open)');
    const second = render(strict(page(h(State))));
    first.unmount();
    second.unmount();
    render(strict(page(h(State))));
    expect(text()).toBe('(open)');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(text()).toBe('(open)');
    expect(gateway.clients).toHaveLength(1);
  });

  it('ends the connection of an earlier URL or of earlier credentials', async () => {
    const { gateway, url } = await start();
    const { seen, Component } = socketOf();
    const page = (to: string, auth: string): ReactNode =>
      h(EnvelopeProvider, { url: to, auth, options: QUICK }, h(State), h(Component));
    const { rerender } = render(page(url, 'ada'));
    await until('the connection', () => text() === '(open)');
    rerender(page(url, 'bob'));
    expect(text()).toBe('(connecting)');
    await until('the second connection', () => text() === '(open)');
    rerender(page(`${url}?second`, 'bob'));
    await until('the third connection', () => text() === '(open)');
    await until(
      'the end of the others',
      () => gateway.clients.filter(({ connected }) => connected).length === 1,
    );
    expect(gateway.clients.map(({ handshake }) => [handshake.auth.token, handshake.url])).toEqual([
      ['ada', '/page'],
      ['bob', '/page'],
      ['bob', '/page?second'],
    ]);
    for (const socket of seen) socket.disconnect();
  });

  it('keeps the connection when the function of credentials changes, and calls the latest one', async () => {
    const { gateway, url } = await start();
    const { seen, Component } = socketOf();
    const page = (user: string): ReactNode =>
      h(EnvelopeProvider, { url, auth: () => user, options: QUICK }, h(State), h(Component));
    const { rerender } = render(strict(page('ada')));
    await until('the connection', () => text() === '(open)');
    rerender(strict(page('bob')));
    expect(text()).toBe('(open)');
    expect(new Set(seen.slice(-2)).size).toBe(1);
    gateway.last.terminate();
    await until('the second connection', () => gateway.clients.length === 2 && text() === '(open)');
    expect(gateway.clients.map(({ handshake }) => handshake.auth.token)).toEqual(['ada', 'bob']);
    for (const socket of seen) socket.disconnect();
  });

  it('does not connect with autoConnect: false, nor after disconnect() of the application', async () => {
    const { gateway, url } = await start();
    const { seen, Component } = socketOf();
    const { unmount } = render(
      h(EnvelopeProvider, { url, options: { ...QUICK, autoConnect: false } }, h(State), h(Component)),
    );
    expect(text()).toBe('(idle)');
    act(() => void seen[0]!.connect());
    await until('the connection', () => text() === '(open)');
    seen[0]!.disconnect();
    await until('the end', () => text() === '(closed)');
    unmount();
    await allGone(gateway);
    expect(gateway.clients).toHaveLength(1);
  });

  it('connects anew when it is mounted soon after disconnect() of the application and its end', async () => {
    const { gateway, page } = await start();
    const { seen, Component } = socketOf();
    const { unmount } = render(page(h(State), h(Component)));
    await until('the connection', () => text() === '(open)');
    seen[0]!.disconnect();
    unmount();
    render(page(h(State)));
    await until('another connection', () => text() === '(open)');
    expect(gateway.clients).toHaveLength(2);
  });

  it('passes on a client of the application, and leaves it alone', async () => {
    const { gateway, url } = await start();
    const own = connect<never, never>(url, QUICK);
    const { unmount } = render(h(EnvelopeProvider, { socket: own as never }, h(State)));
    await until('the connection', () => text() === '(open)');
    unmount();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(own.connected).toBe(true);
    own.disconnect();
    await allGone(gateway);
  });

  it('connects again when a hidden part of the page is shown after a while', async () => {
    const { gateway, page } = await start();
    const shown = (mode: 'hidden' | 'visible'): ReactNode => h(Activity, { mode, children: page(h(State)) });
    const { rerender } = render(shown('visible'));
    await until('the connection', () => text() === '(open)');
    rerender(shown('hidden'));
    await allGone(gateway);
    rerender(shown('visible'));
    await until('the second connection', () => gateway.clients.length === 2);
    await until('the state', () => text() === '(open)');
  });

  it('forgets the connection of a render that React drops', async () => {
    const { gateway, page } = await start();
    const { seen, Component } = socketOf();
    let show!: (isShown: boolean) => void;
    const Page = (): ReactNode => {
      const [isShown, setShown] = useState(false);
      show = setShown;
      const Never = (): never => {
        throw new Promise<void>(() => undefined) as never;
      };
      return isShown ? page(h(Component), h(Never)) : h('i', null, 'nothing');
    };
    render(h(Page));
    act(() => startTransition(() => show(true)));
    expect(seen.length).toBeGreaterThan(0);
    const [dropped] = seen;
    act(() => show(false));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(dropped!.state).toBe('idle');
    render(page(h(Component), h(State)), { container: element() });
    await until('the connection', () => text().includes('(open)'));
    expect(seen.at(-1)).not.toBe(dropped);
    expect(gateway.clients).toHaveLength(1);
  });

  it('nests with the provider of another path', async () => {
    const { page } = await start();
    const { url } = await start();
    const other = createEnvelopeHooks();
    const both = recorder(() => [useSocket(), other.useSocket()] as unknown as ClientSocket[]);
    render(page(h(other.EnvelopeProvider, { url, options: QUICK }, h(both.Component))));
    const [one, two] = both.seen.at(-1)!;
    expect(one).not.toBe(two);
    await until('both connections', () => one!.connected && two!.connected);
    two!.disconnect();
  });
});

describe('a wrong use', () => {
  const failure = (page: ReactNode): unknown => {
    const { error } = console;
    console.error = () => undefined;
    try {
      render(page);
    } catch (thrown) {
      return thrown;
    } finally {
      console.error = error;
    }
    return undefined;
  };

  it('without a provider is an error that names the hook', () => {
    expect(failure(h(State))).toMatchObject({
      code: 'ERR_ENVELOPE_NO_PROVIDER',
      message: expect.stringMatching(
        /^useConnectionState: no EnvelopeProvider above this component/,
      ) as string,
    });
  });

  it('without a URL, or with one that is not of a WebSocket, is an error', () => {
    expect(failure(h(EnvelopeProvider, {} as never))).toMatchObject({
      message: 'EnvelopeProvider: url is missing: pass url, or a client as socket',
    });
    expect(failure(h(EnvelopeProvider, { url: 'ftp://x' }))).toMatchObject({
      message: expect.stringMatching(/^EnvelopeProvider: url is "ftp:\/\/x"/) as string,
    });
    expect(failure(h(EnvelopeProvider, { url: 'ws://x', options: { pings: 1 } as never }))).toMatchObject({
      message: expect.stringMatching(/^connect: unknown option "pings"/) as string,
    });
  });
});
