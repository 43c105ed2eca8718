import { Adapter, type BroadcastOptions } from 'socket.io-adapter';
import { got, startBareApp } from '../support/bare-gateway.js';

/** Records every broadcast and session call, then delegates to the in-memory adapter. */
class RecordingAdapter extends Adapter {
  readonly packets: { type: number; data: unknown[] }[] = [];
  readonly options: BroadcastOptions[] = [];
  readonly sessions: unknown[] = [];

  override broadcast(packet: { type: number; data: unknown[] }, options: BroadcastOptions): void {
    this.packets.push({ type: packet.type, data: [...packet.data] });
    this.options.push(options);
    super.broadcast(packet, options);
  }
  override broadcastWithAck(
    packet: unknown,
    options: BroadcastOptions,
    counted: (clients: number) => void,
    ack: (answer: unknown) => void,
  ): void {
    this.options.push(options);
    super.broadcastWithAck(packet, options, counted, ack);
  }
  override persistSession(session: unknown): void {
    this.sessions.push(session);
  }
  override restoreSession(pid: string): never {
    this.sessions.push(pid);
    return null as never;
  }
}

describe('the contract of socket.io-adapter', () => {
  it('never asks the adapter to persist or restore a session while recovery is off', async () => {
    const { app, server, join } = await startBareApp({ adapter: RecordingAdapter });
    const [ada] = await join(1);
    expect(server.opts['connectionStateRecovery']).toBeFalsy();
    expect(ada!.socket.recovered).toBe(false);
    server.emit('news', 1);
    expect((await got(ada!.client)).at(-1)).toEqual(['news', 1]);
    ada!.client.ws.terminate();
    const auth = Buffer.from(JSON.stringify({ session: 'abc', offset: '1' })).toString('base64url');
    const back = await app.connect('/ws', { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
    expect((await back.next('$session')).data.recovered).toBe(false);
    expect((server.adapter as RecordingAdapter).sessions).toEqual([]);
  });

  it('keeps rooms and sids in addAll, del and delAll; repeated calls change nothing', async () => {
    const { server } = await startBareApp();
    const { adapter } = server;
    await adapter.addAll('s1', new Set(['r1', 'r2']));
    await adapter.addAll('s2', new Set(['r2', 'r3']));
    expect(adapter.rooms).toEqual(
      new Map([
        ['r1', new Set(['s1'])],
        ['r2', new Set(['s1', 's2'])],
        ['r3', new Set(['s2'])],
      ]),
    );
    expect(adapter.sids.get('s1')).toEqual(new Set(['r1', 'r2']));
    for (let twice = 0; twice < 2; twice++) {
      await adapter.del('s1', 'r1');
      await adapter.del('s2', 'r2');
      await adapter.del('unknown', 'nowhere');
    }
    expect(adapter.rooms.has('r1')).toBe(false);
    expect(adapter.rooms.get('r2')).toEqual(new Set(['s1']));
    for (let twice = 0; twice < 2; twice++) {
      adapter.delAll('s2');
      adapter.delAll('unknown');
    }
    expect(adapter.sids).toEqual(new Map([['s1', new Set(['r2'])]]));
    expect(adapter.rooms).toEqual(new Map([['r2', new Set(['s1'])]]));
  });

  it('returns ids from sockets(rooms) and rooms from socketRooms(id)', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2);
    const { adapter } = server;
    await ada!.socket.join(['red', 'blue']);
    await bob!.socket.join('blue');
    expect(await adapter.sockets(new Set())).toEqual(new Set([ada!.socket.id, bob!.socket.id]));
    expect(await adapter.sockets(new Set(['red']))).toEqual(new Set([ada!.socket.id]));
    expect(await adapter.sockets(new Set(['red', 'blue', 'none']))).toEqual(
      new Set([ada!.socket.id, bob!.socket.id]),
    );
    expect(adapter.socketRooms(bob!.socket.id)).toEqual(new Set([bob!.socket.id, 'blue']));
    expect(adapter.socketRooms('unknown')).toBeUndefined();
    expect(await adapter.serverCount()).toBe(1);
  });

  it('emits create-room and join-room once, leave-room on leaving, and delete-room when a room is empty', async () => {
    const { server, join } = await startBareApp();
    const emitted: unknown[][] = [];
    for (const event of ['create-room', 'join-room', 'leave-room', 'delete-room']) {
      server.adapter.on(event, (...args: unknown[]) => emitted.push([event, ...args]));
    }
    const [ada, bob] = await join(2);
    const [a, b] = [ada!.socket.id, bob!.socket.id];
    expect(emitted.splice(0)).toEqual([
      ['create-room', a],
      ['join-room', a, a],
      ['create-room', b],
      ['join-room', b, b],
    ]);
    await ada!.socket.join('red');
    await ada!.socket.join(['red']);
    await bob!.socket.join('red');
    await ada!.socket.leave('red');
    await ada!.socket.leave('red');
    expect(emitted.splice(0)).toEqual([
      ['create-room', 'red'],
      ['join-room', 'red', a],
      ['join-room', 'red', b],
      ['leave-room', 'red', a],
    ]);
    bob!.socket.disconnect();
    expect(emitted).toEqual([
      ['leave-room', b, b],
      ['delete-room', b],
      ['leave-room', 'red', b],
      ['delete-room', 'red'],
    ]);
  });

  it('passes rooms, except, flags and plain data to the adapter unchanged', async () => {
    const { server, join } = await startBareApp({ adapter: RecordingAdapter });
    const [ada] = await join(1);
    const { packets, options } = server.adapter as RecordingAdapter;
    server.emit('a', { deep: [1] }, 2);
    server.to('r1').to(['r2']).except('r3').local.volatile.compress(false).emit('b');
    ada!.socket.to('r1').timeout(5).emit('c', 'data');
    await ada!.socket.compress(true).volatile.timeout(50).broadcast.emitWithAck('d');
    expect(packets).toEqual([
      { type: 2, data: ['a', { deep: [1] }, 2] },
      { type: 2, data: ['b'] },
      { type: 2, data: ['c', 'data'] },
    ]);
    expect(options.map(({ rooms, except }) => [rooms, except])).toEqual([
      [new Set(), new Set()],
      [new Set(['r1', 'r2']), new Set(['r3'])],
      [new Set(['r1']), new Set([ada!.socket.id])],
      [new Set(), new Set([ada!.socket.id])],
    ]);
    expect(options.map(({ flags }) => flags)).toEqual([
      {},
      { local: true, volatile: true, compress: false },
      { timeout: 5 },
      { compress: true, volatile: true, timeout: 50 },
    ]);
  });

  it('honours rooms and except in a direct call of adapter.broadcast()', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    server.socketsJoin('all');
    await ada!.socket.join('red');
    server.adapter.broadcast(
      { type: 2, data: ['direct', [1, 2]] },
      { rooms: new Set(['all']), except: new Set(['red', eve!.socket.id]) },
    );
    expect(await got(ada!.client)).toEqual([]);
    expect(await got(bob!.client)).toEqual([['direct', [1, 2]]]);
    expect(await got(eve!.client)).toEqual([]);
  });

  it('drops volatile messages while the connection is not writable and delivers the next regular one', async () => {
    const { server, join } = await startBareApp();
    const [slow, ada] = await join(2);
    slow!.client.ws.pause();
    const filler = 'x'.repeat(1_000_000);
    let sent = 0;
    // Each big message is followed by a flush: the connection is full as soon as the kernel accepts no more.
    while (slow!.socket.bufferedAmount < 1_000_000 && sent < 100) {
      slow!.socket.emit('filler', filler);
      sent++;
    }
    server.volatile.emit('dropped');
    server.emit('kept');
    slow!.client.ws.resume();
    const names = (await got(slow!.client)).map(([event]) => event);
    expect(names).toEqual([...Array<string>(sent).fill('filler'), 'kept']);
    expect((await got(ada!.client)).map(([event]) => event)).toEqual(['dropped', 'kept']);
  });

  it('sends a broadcast with compress(false) uncompressed on a compressed connection', async () => {
    const { server, join } = await startBareApp({ perMessageDeflate: { threshold: 0 } });
    const [ada] = await join(1);
    const tcp = Reflect.get(ada!.client.ws, '_socket') as { bytesRead: number };
    const text = 'x'.repeat(20_000);
    const bytesFor = async (emit: () => unknown): Promise<number> => {
      const before = tcp.bytesRead;
      emit();
      expect((await ada!.client.next('big')).data).toBe(text);
      return tcp.bytesRead - before;
    };
    expect(ada!.socket.extensions).toContain('permessage-deflate');
    expect(await bytesFor(() => server.emit('big', text))).toBeLessThan(1_000);
    expect(await bytesFor(() => server.compress(false).emit('big', text))).toBeGreaterThan(20_000);
    expect(await bytesFor(() => server.compress(true).emit('big', text))).toBeLessThan(1_000);
    expect(await bytesFor(() => ada!.socket.compress(false).emit('big', text))).toBeGreaterThan(20_000);
    expect(await bytesFor(() => ada!.socket.emit('big', text))).toBeLessThan(1_000);
  });

  it('accepts an adapter as a class, as a function for `new`, and as an arrow function', async () => {
    const made: string[] = [];
    class OwnAdapter extends Adapter {}
    const forNew = function (nsp: { name: string }): Adapter {
      made.push(`for new: ${nsp.name}`);
      return new OwnAdapter(nsp);
    };
    const arrow = (nsp: unknown): Adapter => {
      made.push('arrow');
      return new OwnAdapter(nsp);
    };
    for (const adapter of [OwnAdapter, forNew as never, arrow]) {
      const { server, join } = await startBareApp({ adapter });
      const [ada] = await join(1);
      server.to(ada!.socket.id).emit('hello');
      expect(await got(ada!.client)).toEqual([['hello', undefined]]);
      expect(server.adapter).toBeInstanceOf(OwnAdapter);
    }
    expect(made).toEqual(['for new: /ws', 'arrow']);
  });

  it('calls init and close once, and logs an error of init without failing', async () => {
    const calls: string[] = [];
    class LifeAdapter extends Adapter {
      override async init(): Promise<void> {
        calls.push('init');
        await Promise.resolve();
        throw new Error('the broker is away');
      }
      override close(): void {
        calls.push('close');
      }
    }
    const { app, server, join } = await startBareApp({ adapter: LifeAdapter });
    const [ada] = await join(1);
    server.emit('local clients are served');
    expect(await got(ada!.client)).toHaveLength(1);
    expect(app.log.of('error')).toEqual([expect.stringContaining('the broker is away')]);
    await app.nest.close();
    expect(calls).toEqual(['init', 'close']);
  });
});
