import { useEffect } from 'react';
import { connect } from '../../lib/client/node.js';
import { states } from '../../lib/client/presence.js';
import type { OthersResult } from '../../lib/react/index.js';
import { act, h, hooks, QUICK, recorder, render, start, strict, until, type Started } from './fixture.js';

const ROOM = 'board:1';
const { useOthers, useSubscription } = hooks;

type Cursor = number;

describe('useOthers', () => {
  const ends: (() => unknown)[] = [];
  afterEach(() => ends.splice(0).forEach((end) => end()));

  /** Another client in the room. */
  async function other({ url }: Started) {
    const socket = connect(url, QUICK);
    const room = states<Cursor>(socket, ROOM);
    ends.push(() => (room.stop(), socket.disconnect()));
    await socket.emitWithAck('presence.watch', { room: ROOM });
    await until('the states', () => room.isCurrent);
    return { socket, room, shown: () => room.others.map(({ state }) => state).join() };
  }

  const Room = (): null => (useSubscription('presence.watch', { room: ROOM }), null);
  const listOf = ({ others }: OthersResult<Cursor>): string => others.map(({ state }) => state).join();

  it('lists the states of others, and sets the own one, also under StrictMode', async () => {
    const started = await start();
    const bob = await other(started);
    bob.room.set(1);
    const { seen, Component } = recorder(() => useOthers<Cursor>(ROOM));
    const { unmount } = render(strict(started.page(h(Room), h(Component))));
    expect(seen[0]).toMatchObject({ others: [], count: 0, isCurrent: false });
    const last = (): OthersResult<Cursor> => seen.at(-1)!;
    await until('the state of the other', () => last().isCurrent && listOf(last()) === '1');
    act(() => last().set(7));
    await until('the own state', () => bob.shown() === '7');
    expect(last().set).toBe(seen[0]!.set);
    bob.room.set(2);
    await until('the next state', () => listOf(last()) === '2');
    expect(last().others).toEqual([{ id: bob.socket.id, key: 'user 0', state: 2 }]);
    unmount();
    await until('no own state', () => bob.shown() === '');
  });

  it('sets what effects of children set at the start, and ends it with the component that asked', async () => {
    const started = await start();
    const bob = await other(started);
    const Child = ({ set }: { set: OthersResult<Cursor>['set'] }): null => {
      useEffect(() => set(5), [set]);
      return null;
    };
    const Parent = () => h(Child, { set: useOthers<Cursor>(ROOM).set });
    const { seen, Component } = recorder(() => useOthers<Cursor>(ROOM));
    const { rerender } = render(strict(started.page(h(Room), h(Component), h(Parent))));
    await until('the own state', () => bob.shown() === '5');
    rerender(strict(started.page(h(Room), h(Component))));
    await until('no own state', () => bob.shown() === '');
    // the other component follows the room still
    bob.room.set(3);
    await until('the state of the other', () => listOf(seen.at(-1)!) === '3');
  });

  it('sets the own state again on the next connection', async () => {
    const started = await start();
    const bob = await other(started);
    const { seen, Component } = recorder(() => useOthers<Cursor>(ROOM));
    render(started.page(h(Room), h(Component)));
    act(() => seen.at(-1)!.set(8));
    await until('the own state', () => bob.shown() === '8');
    started.gateway.last.terminate();
    await until('no own state', () => bob.shown() === '');
    await until('the own state again', () => bob.shown() === '8');
    expect(seen.some(({ isCurrent }) => !isCurrent)).toBe(true);
  });
});
