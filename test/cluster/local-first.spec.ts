import { Bus } from '../support/bus.js';
import { got, startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';

async function startCluster() {
  const bus = new Bus();
  const [here, there] = [
    await startBareApp({ adapter: bus.adapter }),
    await startBareApp({ adapter: bus.adapter }),
  ];
  const [[ada, bob], [eve]] = [await here.join(2), await there.join(1)] as [[Pair, Pair], [Pair]];
  return { bus, here: here as BareApp, there: there as BareApp, ada, bob, eve };
}

const events = async ({ client }: Pair): Promise<string[]> => (await got(client)).map(([event]) => event);

describe('messages that an adapter would publish first', () => {
  it('reach local clients while the broker is stalled, and the others when it continues', async () => {
    const { bus, here, ada, bob, eve } = await startCluster();
    bus.stall();
    here.server.emit('all');
    here.server.in(ada.socket.id).socketsJoin('red');
    here.server.to('red').emit('red');
    here.server.in(ada.socket.id).socketsLeave('red');
    here.server.to('red').emit('to no client');
    here.server.in(bob.socket.id).disconnectSockets();
    expect(await events(ada)).toEqual(['all', 'red']);
    expect((await bob.client.ended()).code).toBe(1000);
    expect(await events(eve)).toEqual([]);
    bus.resume();
    expect((await eve.client.next('all')).data).toBeUndefined();
    expect(await events(ada)).toEqual(['all', 'red']);
    expect(ada.socket.rooms).toEqual(new Set([ada.socket.id]));
  });

  it('keep the order of the calls for any target', async () => {
    const { here, ada, eve } = await startCluster();
    const sent: string[] = [];
    for (let i = 0; i < 12; i += 4) {
      here.server.emit(`e${i}`);
      ada.socket.emit(`e${i + 1}`);
      here.server.to(ada.socket.id).emit(`e${i + 2}`);
      ada.socket.send(JSON.stringify({ event: `e${i + 3}` }));
      sent.push(...[0, 1, 2, 3].map((j) => `e${i + j}`));
    }
    here.server.emit('end');
    await eve.client.next('end');
    expect(await events(ada)).toEqual([...sent, 'end']);
    expect(await events(eve)).toEqual(['e0', 'e4', 'e8', 'end']);
  });

  it('are encoded when the method is called, for both nodes', async () => {
    const { bus, here, there, ada, eve } = await startCluster();
    const data: Record<string, unknown> = { count: 1 };
    bus.stall();
    here.server.emit('figures', data);
    data.count = 2;
    data.self = data;
    bus.resume();
    expect((await eve.client.next('figures')).data).toEqual({ count: 1 });
    expect((await ada.client.next('figures')).data).toEqual({ count: 1 });
    expect(there.app.log.of('error')).toEqual([]);
  });

  it('throw at the call for data that JSON cannot serialize, and reach no client', async () => {
    const { bus, here, ada } = await startCluster();
    expect(() => here.server.emit('figures', 1n)).toThrow(TypeError);
    expect(bus.published).toBe(0);
    expect(await events(ada)).toEqual([]);
  });

  it.each([[undefined], [null], [0], [''], [false]])('carry %p to the other node unchanged', async (data) => {
    const { here, ada, eve } = await startCluster();
    here.server.emit('value', data);
    for (const { client } of [ada, eve]) {
      const frame = await client.next('value');
      expect('data' in frame).toBe(data !== undefined);
      expect(frame.data).toBe(data);
    }
  });
});

describe('messages of an emitter without sockets', () => {
  it.each([
    [['news'], { event: 'news' }],
    [['news', 1], { event: 'news', data: 1 }],
    [['news', 1, null, 'three'], { event: 'news', data: [1, null, 'three'] }],
  ])('arrive like those of a server: %j', async (data, frame) => {
    const { bus, eve } = await startCluster();
    const packet = { type: 2, data, nsp: '/ws' };
    const message = {
      uid: 'emitter',
      nsp: '/ws',
      type: 3,
      data: { packet, opts: { rooms: [], except: [] } },
    };
    for (const member of bus.of('/ws')) member.receive(JSON.stringify(message));
    expect(await eve.client.next('news')).toEqual(frame);
  });
});

describe('requests to other nodes', () => {
  it('end in time while the broker is stalled, with the answers of this node', async () => {
    const { bus, here, ada, bob } = await startCluster();
    bus.stall();
    const found = here.server.timeout(200).fetchSockets();
    await expect(found).rejects.toMatchObject({ responses: [{ id: ada.socket.id }, { id: bob.socket.id }] });
  });
});

describe('malformed messages on the channels', () => {
  it.each([
    ['null', 'null'],
    ['no data', '{"type":3,"nsp":"/ws","uid":"x"}'],
    ['no options', '{"type":3,"nsp":"/ws","uid":"x","data":{"packet":{"type":2,"data":["x"]}}}'],
    [
      'no event',
      '{"type":3,"nsp":"/ws","uid":"x","data":{"packet":{"type":2,"data":[1]},"opts":{"rooms":[],"except":[]}}}',
    ],
    ['an answer to no request', '{"type":8,"nsp":"/ws","uid":"x"}'],
    ['a disconnect without a target', '{"type":6,"nsp":"/ws","uid":"x","data":{"opts":{"except":[]}}}'],
    [
      'a leave without exceptions',
      '{"type":5,"nsp":"/ws","uid":"x","data":{"opts":{"rooms":null},"rooms":["x"]}}',
    ],
    ['a join without a target', '{"type":4,"nsp":"/ws","uid":"x","data":{"rooms":[]}}'],
    ['an empty server-side emit', '{"type":9,"nsp":"/ws","uid":"x"}'],
  ])('are dropped and counted: %s', async (_, text) => {
    const { bus, here, there, ada, eve } = await startCluster();
    for (const member of bus.of('/ws')) member.receive(text);
    expect(here.server.counters.droppedClusterMessages).toBe(1);
    // Nest has one logger per process: that of the application created last.
    expect(there.app.log.of('warn').join()).toContain("on the cluster's channels was dropped");
    here.server.emit('after');
    await eve.client.next('after');
    expect(await events(ada)).toEqual(['after']);
  });
});
