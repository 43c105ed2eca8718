import { RecoveringClient } from '../../recovery/recovery-client.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { OFFSET, RoamingIoClient, StreamNodes } from './recovery-fixture.js';
import { until } from '../../support/wait.js';

describeWithRedis('recovery through a Redis stream that a node of Nest with IoAdapter uses, too', () => {
  const started: StreamNodes[] = [];
  beforeAll(() => redis.start());
  afterAll(async () => {
    for (const nodes of started) await nodes.close();
  });
  // its hook comes last: a client whose Redis has gone waits for another attempt to connect
  const redis = new RedisServer();

  async function start() {
    const nodes = new StreamNodes(redis);
    started.push(nodes);
    const { app, server } = await nodes.theirs();
    const ours = await nodes.ours();
    const io = new RoamingIoClient(app.port);
    app.keep(io);
    await io.connected();
    const ada = await new RecoveringClient({ user: 'ada' }).connect(ours.app);
    await until('both nodes are heard', () => {
      server.emit('hello', 'theirs');
      ours.server.emit('hello', 'ours');
      return (
        io.of('hello').some(([from]) => from === 'ours') &&
        ada.client.frames.some(({ event, data }) => event === 'hello' && data === 'theirs')
      );
    });
    // a node of Socket.IO may send its own events after later ones of the stream, and with them an earlier offset
    server.emit('hello', 'ready');
    await io.until('the last greeting', () => io.of('hello').some(([from]) => from === 'ready'));
    /** Resolves with the events to Ada up to `end`, with their data. */
    const messages = async (): Promise<unknown[]> => {
      await ada.client.until('the end', () => ada.client.frames.some(({ event }) => event === 'end'));
      return ada.client.frames
        .filter(({ event }) => event !== 'hello' && event?.startsWith('$') === false)
        .map(({ event, data }) => [event, data as unknown]);
    };
    return { theirs: server, ours, io, ada, messages };
  }

  it('gives a bare client what the other node sent while it was away', async () => {
    const { theirs, ours, io, ada, messages } = await start();
    await ours.socketOf(ada).join('red');
    await ada.cut();
    await ours.lost(ada);
    theirs.emit('several', 1, 'not an offset');
    theirs.to('red').emit('text', 'not an offset');
    theirs.volatile.emit('volatile', 1);
    theirs.to('blue').emit('blue', 1);
    theirs.emit('none');
    // it gets the event when the stream has it
    await io.next('none');
    ours.server.to('red').emit('own', 1, 'text');
    ours.server.volatile.emit('volatile', 2);
    ours.server.emit('own none');
    await ada.connect(ours.app);
    expect(ada.hello.recovered).toBe(true);
    ours.server.emit('end', 'end');
    expect(await messages()).toEqual([
      ['several', [1, 'not an offset']],
      ['text', 'not an offset'],
      ['none', undefined],
      ['own', [1, 'text']],
      ['own none', undefined],
      ['end', 'end'],
    ]);
  });

  it('gives a connected bare client the offset of what the other node sends, and no argument more', async () => {
    const { theirs, ada, messages } = await start();
    theirs.emit('several', 1, 'not an offset');
    theirs.emit('none');
    theirs.emit('end', 'end');
    expect(await messages()).toEqual([
      ['several', [1, 'not an offset']],
      ['none', undefined],
      ['end', 'end'],
    ]);
    const positions = ada.client.frames
      .filter(({ event }) => event !== 'hello')
      .map((frame) => Reflect.get(frame, 'offset'));
    expect(positions.slice(-3)).toEqual(Array(3).fill(OFFSET));
  });

  it('leaves a session of the other node to it, and asks no node for it', async () => {
    const { theirs, ours, io, ada } = await start();
    const asked: unknown[] = [];
    theirs.on('$takeover' as never, (token: unknown) => void asked.push(token));
    const { id } = io.socket;
    ada.session = io.pid as string;
    await ada.cut();
    await io.lose();
    await ada.connect(ours.app);
    expect(ada.hello.recovered).toBe(false);
    expect(asked).toEqual([]);
    await io.return();
    expect(io.socket).toMatchObject({ id, recovered: true });
  });

  it('gives a Socket.IO client of the other node what ours sent, with its arguments and nothing else', async () => {
    const { ours, io } = await start();
    ours.server.emit('before');
    ours.server.in('red').socketsLeave('red');
    ours.server.emit('before', 1, 'two');
    await io.until('before', () => io.of('before').length === 2);
    // a Socket.IO server with recovery appends the offset, and its client leaves it there
    expect(io.news).toEqual([
      ['before', OFFSET],
      ['before', 1, 'two', OFFSET],
    ]);
    io.events.splice(0);
    await io.lose();
    ours.server.emit('away', 1, 'two');
    ours.server.emit('away');
    await io.return();
    await io.until('away', () => io.of('away').length === 2);
    expect(io.socket.recovered).toBe(true);
    expect(io.news).toEqual([
      ['away', 1, 'two', OFFSET],
      ['away', OFFSET],
    ]);
  });
});
