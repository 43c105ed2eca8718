import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import type { Namespace, ServerOptions } from 'socket.io';
import { tolerant } from '../../../lib/index.js';
import { startNode } from '../../recovery/cases.js';
import { RecoveringClient } from '../../recovery/recovery-client.js';
import { startIoApp } from '../../socketio-clients/fixture.js';
import { describeWithRedis, RedisServer } from '../../support/brokers/redis.js';
import { eventually } from '../faults/eventually.js';

@WebSocketGateway({ namespace: 'ws' })
class TheirGateway {
  @WebSocketServer() server!: Namespace;
}

describeWithRedis('recovery through a Redis stream that a node of Nest with IoAdapter uses, too', () => {
  const redis = new RedisServer();
  const clients: { destroy(): void }[] = [];
  let streams = 0;

  beforeAll(() => redis.start());
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await redis.stop();
  });

  async function start() {
    const streamName = `mixed-${streams++}`;
    const connect = async () => {
      const client = createClient({ url: redis.url }).on('error', () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    };
    const settings = { streamName, channelPrefix: streamName, blockTimeInMs: 200 };
    const options: Partial<ServerOptions> = {
      adapter: createAdapter(await connect(), settings) as never,
      connectionStateRecovery: {},
    };
    const theirs = await startIoApp('reference', { providers: [TheirGateway] }, { reference: options });
    const ours = await startNode({
      adapter: createAdapter(tolerant(await connect()), settings),
      recovery: true,
    });
    const { server } = theirs.nest.get(TheirGateway);
    const io = await theirs.connect('/ws', { reconnection: true, reconnectionDelay: 10 });
    const ada = await new RecoveringClient({ user: 'ada' }).connect(ours.app);
    await eventually('both nodes are heard', () => {
      server.emit('hello', 'theirs');
      ours.server.emit('hello', 'ours');
      return (
        io.of('hello').some(([from]) => from === 'ours') &&
        ada.client.frames.some(({ event, data }) => event === 'hello' && data === 'theirs')
      );
    });
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

  it('gives a connected bare client the position of what the other node sends, and no argument more', async () => {
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
    expect(positions.slice(-3)).toEqual(Array(3).fill(expect.stringMatching(/^\d+-\d+$/)));
  });

  it('leaves a session of the other node to it, and asks no node for it', async () => {
    const { theirs, ours, io, ada } = await start();
    const asked: unknown[] = [];
    theirs.on('$takeover' as never, (token: unknown) => void asked.push(token));
    const { id } = io.socket;
    const pid: unknown = Reflect.get(io.socket, '_pid');
    ada.session = pid as string;
    await ada.cut();
    io.socket.io.reconnection(false);
    io.socket.io.engine.close();
    await io.ended();
    await ada.connect(ours.app);
    expect(ada.hello.recovered).toBe(false);
    expect(asked).toEqual([]);
    io.socket.connect();
    await io.until('the client to connect again', () => io.socket.connected);
    expect(io.socket).toMatchObject({ id, recovered: true });
  });

  it('gives a Socket.IO client of the other node what ours sent, with its arguments and nothing else', async () => {
    const { ours, io } = await start();
    const seen = () => io.events.filter(([event]) => event !== 'hello');
    ours.server.emit('before');
    ours.server.in('red').socketsLeave('red');
    ours.server.emit('before', 1, 'two');
    await io.until('before', () => io.of('before').length === 2);
    const offset = expect.stringMatching(/^\d+-\d+$/);
    // a Socket.IO server with recovery appends the position, and its client leaves it there
    expect(seen()).toEqual([
      ['before', offset],
      ['before', 1, 'two', offset],
    ]);
    io.events.splice(0);
    io.socket.io.engine.close();
    await io.ended();
    ours.server.emit('away', 1, 'two');
    ours.server.emit('away');
    await io.until('recovery', () => io.of('away').length === 2);
    expect(io.socket.recovered).toBe(true);
    expect(seen()).toEqual([
      ['away', 1, 'two', offset],
      ['away', offset],
    ]);
  });
});
