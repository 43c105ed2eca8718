import { snapshot } from '../../lib/server/cluster/message-snapshot.js';
import type { AdapterFactory } from '../../lib/index.js';
import { Bus } from '../support/bus.js';
import { Collection } from '../support/late-adapter.js';
import { answer, got, startBareApp, type Pair } from '../support/bare-gateway.js';

const ADAPTERS: Record<string, () => AdapterFactory> = {
  'based on ClusterAdapter, which encodes late': () => new Bus('late').adapter,
  'based on ClusterAdapter, which passes objects on': () => new Bus('never').adapter,
  'like the adapter of MongoDB': () => new Collection().adapter,
};

async function startNode(adapter: AdapterFactory) {
  const node = await startBareApp({ adapter });
  const [pair] = (await node.join(1)) as [Pair];
  return { ...node, ...pair };
}

const events = async ({ client }: Pick<Pair, 'client'>): Promise<unknown[][]> => {
  const frames = await got(client);
  return frames.map(([event, data]) => (data === undefined ? [event] : [event, data]));
};

describe.each(Object.keys(ADAPTERS))('messages through an adapter %s', (name) => {
  const start = async () => {
    const adapter = ADAPTERS[name]!();
    return { adapter, here: await startNode(adapter), there: await startNode(adapter) };
  };

  it('reach other nodes as they were when emitted', async () => {
    const { here, there } = await start();
    const data: Record<string, unknown> = { list: [1], when: new Date(0) };
    here.server.emit('figures', data);
    here.server.to(there.socket.id).emit('direct', data);
    (data['list'] as number[]).push(2);
    data['self'] = data;
    await there.client.next('direct');
    const sent = { list: [1], when: '1970-01-01T00:00:00.000Z' };
    expect(await events(there)).toEqual([
      ['figures', sent],
      ['direct', sent],
    ]);
    expect(await events(here)).toEqual([['figures', sent]]);
  });

  it('reach the clients of this node immediately and once', async () => {
    const { here, there } = await start();
    here.server.emit('one');
    here.socket.emit('two');
    here.server.in(here.socket.id).socketsJoin('red');
    here.server.to('red').emit('three');
    here.server.emit('end');
    await there.client.next('end');
    expect(await events(here)).toEqual([['one'], ['two'], ['three'], ['end']]);
    expect(await events(there)).toEqual([['one'], ['end']]);
  });

  it('include serverSideEmit and the data of sockets', async () => {
    const { here, there } = await start();
    const received = new Promise((resolve) => there.server.on('note', resolve));
    const note = { n: 1 };
    here.server.serverSideEmit('note', note);
    note.n = 2;
    expect(await received).toEqual({ n: 1 });
    there.server.on('question', (_: unknown, done: (value: unknown) => void) => done({ from: 'there' }));
    expect(await here.server.serverSideEmitWithAck('question', 1)).toEqual([{ from: 'there' }]);
    there.socket.data = { seat: 1 };
    const found = here.server.in(there.socket.id).fetchSockets();
    await expect(found).resolves.toMatchObject([{ id: there.socket.id, data: { seat: 1 } }]);
  });

  it('are equal for several nodes, which cannot change each other’s data', async () => {
    const { adapter, here, there } = await start();
    const others = [there, await startNode(adapter), await startNode(adapter)];
    here.server.emit('news', { list: [] });
    here.server.emit('end');
    for (const other of others) {
      await other.client.next('end');
      expect(await events(other)).toEqual([['news', { list: [] }], ['end']]);
    }
  });
});

it.each(['late', 'never'] as const)(
  'a room-wide request is answered once by each client; encoded: %s',
  async (encoding) => {
    const { adapter } = new Bus(encoding);
    const [here, there] = [await startNode(adapter), await startNode(adapter)];
    // The nodes number their requests differently.
    there.server.local.timeout(1_000).emit('count', () => undefined);
    await answer(there.client, 'count', 0);
    const data = { n: 1 };
    const answers = here.server.timeout(60_000).emitWithAck('vote', data);
    data.n = 2;
    expect((await answer(here.client, 'vote', 'here')).data).toEqual({ n: 1 });
    expect((await answer(there.client, 'vote', 'there')).data).toEqual({ n: 1 });
    expect(new Set(await answers)).toEqual(new Set(['here', 'there']));
  },
);

it('logs what an adapter like that of MongoDB cannot insert, and the process keeps running', async () => {
  const collection = new Collection();
  const here = await startNode(collection.adapter);
  const there = await startNode(collection.adapter);
  collection.fails = () => true;
  here.server.emit('news');
  here.server.in('empty').socketsJoin('red');
  here.server.serverSideEmit('note');
  expect(await events(here)).toEqual([['news']]);
  await there.client.settled();
  expect(there.app.log.of('error').join()).toContain(
    'a message could not be sent to the other nodes: not the primary',
  );
});

describe('a snapshot', () => {
  it('shares no mutable value with its source', () => {
    const bytes = Buffer.from('x');
    const when = new Date(0);
    class Named {
      name = 'n';
      get shout(): string {
        return this.name.toUpperCase();
      }
    }
    const data = { list: [{ n: 1 }], bytes, when, named: new Named(), none: undefined, zero: null };
    const copy = snapshot(data);
    data.list[0]!.n = 2;
    data.named.name = 'other';
    expect(copy).toEqual({
      list: [{ n: 1 }],
      bytes,
      when,
      named: { name: 'n' },
      none: undefined,
      zero: null,
    });
  });

  it('refuses circular data', () => {
    const data: Record<string, unknown> = {};
    data['self'] = { data };
    expect(() => snapshot(data)).toThrow(new TypeError('a message contains itself'));
    const twice = { n: 1 };
    expect(snapshot([twice, twice])).toEqual([twice, twice]);
  });

  it('keeps __proto__ as a plain key', () => {
    expect(Object.keys(snapshot(JSON.parse('{"__proto__":{"n":1}}') as object))).toEqual(['__proto__']);
  });
});
