import { text } from './page.js';
import { useState, type ReactNode } from 'react';
import { act, h, hooks, recorder, render, start, strict, until } from './fixture.js';

const { useConnectionState, useEvent, useRequest, useSocket } = hooks;

describe('useConnectionState', () => {
  it('renders each state', async () => {
    const { gateway, page } = await start();
    const { seen, Component } = recorder(() => useConnectionState());
    render(page(h(Component)));
    await until('the connection', () => seen.at(-1) === 'open');
    gateway.last.terminate();
    await until('the next connection', () => gateway.clients.length === 2 && seen.at(-1) === 'open');
    expect(seen.filter((state, at) => state !== seen[at - 1])).toEqual(
      expect.arrayContaining(['idle', 'connecting', 'open', 'waiting']),
    );
  });
});

describe('useEvent', () => {
  it('calls the listener of the last render, and subscribes once', async () => {
    const { gateway, page } = await start();
    const got: string[] = [];
    const added: string[] = [];
    let setName!: (name: string) => void;
    const Listener = (): null => {
      const socket = useSocket();
      const on = socket.on.bind(socket);
      socket.on = ((event: string, listener: never) => (
        added.push(event),
        on(event as never, listener)
      )) as never;
      const [name, set] = useState('first');
      setName = set;
      useEvent('changed', ({ version }) => got.push(`${name} ${version}`));
      return null;
    };
    const State = (): string => useConnectionState();
    render(page(h(Listener), h(State)));
    await until('the connection', () => text() === 'open');
    const emit = (): unknown => gateway.server.emit('changed', { id: 1, version: got.length });
    emit();
    await until('the first event', () => got.length === 1);
    act(() => setName('second'));
    emit();
    await until('the second event', () => got.length === 2);
    expect(got).toEqual(['first 0', 'second 1']);
    expect(added).toEqual(['changed']);
  });

  it('adds one listener under StrictMode, and none stays after the component is unmounted', async () => {
    const { gateway, page } = await start();
    const got: number[] = [];
    const Listener = (): null => (useEvent('changed', ({ version }) => got.push(version)), null);
    const State = (): string => useConnectionState();
    const { rerender } = render(strict(page(h(State), h(Listener))));
    await until('the connection', () => text() === 'open');
    gateway.server.emit('changed', { id: 1, version: 1 });
    await until('the event', () => got.length > 0);
    rerender(strict(page(h(State), h('i', null, '.'))));
    gateway.server.emit('changed', { id: 1, version: 2 });
    await gateway.server
      .timeout(1_000)
      .emitWithAck('where are you?')
      .catch(() => undefined);
    expect(got).toEqual([1]);
  });

  it('does not call a listener that an earlier listener of the same event unmounted', async () => {
    const { gateway, page } = await start();
    const got: string[] = [];
    let setShown!: (isShown: boolean) => void;
    const Second = (): null => (useEvent('changed', () => got.push('second')), null);
    const First = (): ReactNode => {
      const [isShown, set] = useState(true);
      setShown = set;
      return isShown ? h(Second) : 'hidden';
    };
    const Before = (): null => {
      useEvent('changed', () => (got.push('first'), act(() => setShown(false))));
      return null;
    };
    const State = (): string => useConnectionState();
    render(page(h(Before), h(First), h(State)));
    await until('the connection', () => text() === 'open');
    gateway.server.emit('changed', { id: 1, version: 1 });
    await until('the event', () => text() === 'hiddenopen');
    expect(got).toEqual(['first']);
  });

  it('answers requests of the server, by its return value or by the callback', async () => {
    const { gateway, page } = await start();
    let answerBy: 'value' | 'callback' = 'value';
    const Listener = (): ReactNode => {
      const [, render] = useState(0);
      useEvent(
        'where are you?',
        answerBy === 'value' ? () => 'here' : (answer) => void setTimeout(() => answer('there'), 1),
      );
      return h('button', { onClick: () => render(1) });
    };
    const State = (): string => useConnectionState();
    const { rerender } = render(page(h(Listener), h(State)));
    await until('the connection', () => text() === 'open');
    expect(await gateway.last.emitWithAck('where are you?')).toBe('here');
    answerBy = 'callback';
    rerender(page(h(Listener), h(State)));
    expect(await gateway.last.emitWithAck('where are you?')).toBe('there');
  });

  it('hears of the connection', async () => {
    const { gateway, page } = await start();
    const got: unknown[] = [];
    const Listener = (): null => {
      useEvent('connect', ({ missed }) => got.push(missed));
      useEvent('disconnect', (reason) => got.push(reason));
      return null;
    };
    render(page(h(Listener)));
    await until('the connection', () => got.length === 1);
    gateway.last.terminate();
    await until('the second connection', () => got.length === 3);
    expect(got).toEqual([false, 'transport close', true]);
  });
});

describe('useRequest', () => {
  const setup = async () => {
    const started = await start();
    const results = recorder(() => undefined as unknown);
    const seen: ReturnType<typeof useRequest<'find'>>[] = [];
    const Find = ({ id, ...options }: { id: number; enabled?: boolean; timeout?: number }): string => {
      const result = useRequest('find', { id }, options);
      seen.push(result);
      const { data, error, isPending } = result;
      return `${data ? `${data.id}.${data.version}` : '-'} ${error?.name ?? ''}${isPending ? '…' : ''}`;
    };
    return { ...started, ...results, seen, Find };
  };

  it('requests once under StrictMode, and again on demand', async () => {
    const { gateway, page, Find, seen } = await setup();
    render(strict(page(h(Find, { id: 1 }))));
    expect(text()).toBe('- …');
    await until('the answer', () => text() === '1.1 ');
    gateway.version++;
    act(() => seen.at(-1)!.refetch());
    expect(text()).toBe('1.1 …');
    await until('the second answer', () => text() === '1.2 ');
    expect(seen.at(-1)!.refetch).toBe(seen[0]!.refetch);
    expect(gateway.log).toEqual(['find 1', 'find 1']);
  });

  it('cancels the request of earlier data, and never shows its answer', async () => {
    const { gateway, page, Find, seen } = await setup();
    gateway.gate = new Promise(() => undefined);
    const { rerender } = render(page(h(Find, { id: 1 })));
    await until('the request', () => gateway.log.length === 1);
    gateway.gate = Promise.resolve();
    rerender(page(h(Find, { id: 2 })));
    await until('the answer', () => text() === '2.1 ');
    rerender(page(h(Find, { id: 3 })));
    expect(text()).toBe('- …');
    await until('the next answer', () => text() === '3.1 ');
    await until('the end of the first', () => gateway.log.includes('cancelled 1'));
    expect(gateway.log).not.toContain('cancelled 2');
    expect(seen.some(({ data }) => data?.id === 1)).toBe(false);
  });

  it('cancels on the server when the component is unmounted, and does not render again', async () => {
    const { gateway, page, Find, seen } = await setup();
    gateway.gate = new Promise(() => undefined);
    const { rerender } = render(page(h(Find, { id: 1 })));
    await until('the request', () => gateway.log.length === 1);
    const renders = seen.length;
    rerender(page());
    await until('the end', () => gateway.log.includes('cancelled 1'));
    expect(seen).toHaveLength(renders);
  });

  it('shows an exception and a timeout, and keeps the data', async () => {
    const { gateway, page, Find, seen } = await setup();
    const { rerender } = render(page(h(Find, { id: 1 })));
    await until('the answer', () => text() === '1.1 ');
    gateway.refused.add(1);
    act(() => seen.at(-1)!.refetch());
    await until('the refusal', () => text() === '1.1 RequestError');
    expect(seen.at(-1)!.error!.message).toBe('not yours');
    gateway.refused.clear();
    gateway.gate = new Promise(() => undefined);
    rerender(page(h(Find, { id: 1, timeout: 100 })));
    await until('the timeout', () => text() === '- TimeoutError');
  });

  it('requests again on a new connection, and what was lost with the last one', async () => {
    const { gateway, page, Find } = await setup();
    render(page(h(Find, { id: 1 }), '|', h(Find, { id: 2 })));
    await until('the answers', () => text() === '1.1 |2.1 ');
    gateway.version++;
    gateway.gate = new Promise(() => undefined);
    gateway.last.terminate();
    await until('the requests on the second connection', () => gateway.log.length === 4);
    await until('the page', () => text() === '1.1 …|2.1 …');
    gateway.gate = Promise.resolve();
    gateway.last.terminate();
    await until('the answers', () => text() === '1.2 |2.2 ');
    expect(gateway.log.filter((line) => line.startsWith('find'))).toHaveLength(6);
  });

  it('waits until it is enabled', async () => {
    const { gateway, page, Find } = await setup();
    const { rerender } = render(page(h(Find, { id: 1, enabled: false })));
    expect(text()).toBe('- ');
    rerender(page(h(Find, { id: 1, enabled: true })));
    await until('the answer', () => text() === '1.1 ');
    expect(gateway.log).toEqual(['find 1']);
  });

  it('ends with an error when the application disconnects', async () => {
    const { gateway, page, Find } = await setup();
    gateway.gate = new Promise(() => undefined);
    const sockets = recorder(() => useSocket());
    render(page(h(Find, { id: 1 }), h(sockets.Component)));
    await until('the request', () => gateway.log.length === 1);
    sockets.seen[0]!.disconnect();
    await until('the error', () => text() === '- DisconnectedError');
  });
});
