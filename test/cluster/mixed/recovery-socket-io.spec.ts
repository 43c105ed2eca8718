import type { Namespace } from 'socket.io';
import { RecoveringClient } from '../../recovery/recovery-client.js';
import type { Node } from '../../recovery/cases.js';
import type { IoApp } from '../../socketio-clients/fixture.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { until } from '../../support/wait.js';
import { OFFSET, RoamingIoClient, StreamNodes } from './recovery-fixture.js';

const BYTES = Buffer.from([0, 1, 128, 255]);

describeWithRedis('recovery of Socket.IO clients of our nodes, beside a node of Nest with IoAdapter', () => {
  let nodes: StreamNodes;
  let theirs: Namespace;
  let theirApp: IoApp;
  let here: Node;
  let there: Node;
  let bob: RoamingIoClient;
  const all: StreamNodes[] = [];

  beforeAll(() => redis.start());
  beforeEach(async () => {
    nodes = new StreamNodes(redis);
    all.push(nodes);
    ({ app: theirApp, server: theirs } = await nodes.theirs());
    [here, there] = [await nodes.ours(true), await nodes.ours(true)];
    bob = new RoamingIoClient(here.app.port);
    await bob.connected();
    await until('all nodes are heard', () => {
      theirs.emit('hello', 'theirs');
      there.server.emit('hello', 'there');
      return ['theirs', 'there'].every((name) => bob.of('hello').some(([from]) => from === name));
    });
  });
  afterEach(() => bob.destroy());
  afterAll(async () => {
    for (const started of all) await started.close();
  });
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  /** Makes the client lose its connection. Resolves when its node has stored its session. */
  async function lose(): Promise<void> {
    const { id } = bob.socket;
    await bob.lose();
    await until('the end of the connection', () => here.gateway.disconnected.includes(id!));
  }

  /** What both kinds of nodes send while the client is away. */
  async function sendMeanwhile(): Promise<void> {
    const watcher = new RoamingIoClient(theirApp.port);
    theirApp.keep(watcher);
    await watcher.connected();
    theirs.emit('several', 1, 'not an offset');
    theirs.to('red').emit('bytes', { deep: BYTES }, BYTES);
    theirs.volatile.emit('volatile', 1);
    theirs.to('blue').emit('blue', 1);
    theirs.emit('none');
    // when the stream has them
    await watcher.next('none');
    there.server.to('red').emit('own', 1, BYTES);
    there.server.volatile.emit('volatile', 2);
    there.server.emit('own none');
    await watcher.next('own none');
  }

  const MISSED = [
    ['several', 1, 'not an offset', OFFSET],
    ['bytes', { deep: BYTES }, BYTES, OFFSET],
    ['none', OFFSET],
    ['own', 1, BYTES, OFFSET],
    ['own none', OFFSET],
  ];

  it.each(['the same node', 'another node'])(
    'gives them what both sent while they were away: %s',
    async (which) => {
      const { id } = bob.socket;
      const { pid } = bob;
      await here.server.sockets.get(id!)!.join('red');
      await lose();
      await sendMeanwhile();
      bob.events.splice(0);
      await bob.return(which === 'another node' ? there.app.port : undefined);
      expect(bob.socket).toMatchObject({ id, recovered: true });
      expect(bob.pid).toBe(pid);
      there.server.to('red').emit('end');
      await bob.next('end');
      expect(bob.news).toEqual([...MISSED, ['end', OFFSET]]);
    },
  );

  it('gives bare clients beside them the same, with bytes as text', async () => {
    const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app);
    await here.socketOf(ada).join('red');
    await ada.cut();
    await here.lost(ada);
    await sendMeanwhile();
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    there.server.emit('end');
    await ada.client.next('end');
    const text = BYTES.toString('base64');
    const events = ada.client.frames.filter(
      ({ event }) => event !== 'hello' && event?.startsWith('$') === false,
    );
    expect(events.map(({ event, data }) => [event, data as unknown])).toEqual([
      ['several', [1, 'not an offset']],
      ['bytes', [{ deep: text }, text]],
      ['none', undefined],
      ['own', [1, text]],
      ['own none', undefined],
      ['end', undefined],
    ]);
  });

  it('takes a client back to the other node with its session, and begins anew on the way to ours', async () => {
    const { id } = bob.socket;
    await here.server.sockets.get(id!)!.join('red');
    await lose();
    await sendMeanwhile();
    bob.events.splice(0);
    await bob.return(theirApp.port);
    expect(bob.socket).toMatchObject({ id, recovered: true });
    await bob.until('what it missed', () => bob.of('own none').length === 1);
    // Socket.IO replays volatile events, too
    expect(bob.news.filter((news) => (news as unknown[])[0] !== 'volatile')).toEqual(MISSED);
    await bob.lose();
    await bob.return(here.app.port);
    expect(bob.socket.recovered).toBe(false);
    expect(bob.socket.id).not.toBe(id);
  });
});
