import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, user } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus, type BusAdapter } from '../support/bus.js';
import type { TestClient } from '../support/client.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { name } = client.handshake.query;
    if (typeof name === 'string') client.user = { id: name };
    return true;
  }
}

@UseGuards(UserGuard)
@WebSocketGateway({ path: '/ws' })
class RoomsGateway {
  @WebSocketServer() server!: EnvelopeServer;

  handleConnection(client: EnvelopeSocket): void {
    const { becomes } = client.handshake.query;
    if (typeof becomes === 'string') client.user = { id: becomes };
    this.server.presence.track(client, client.id);
  }
  @SubscribeMessage('id')
  id(@ConnectedSocket() client: EnvelopeSocket): string {
    return client.id;
  }
  @SubscribeMessage('call')
  async call(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { way, given, id }: { way: Way; given: unknown; id?: string },
  ): Promise<string> {
    await WAYS[way](client, this.server, given as string, id);
    return 'done';
  }
}

type Way = keyof typeof WAYS;

/** What a handler may do with the name of a room that a client sends. */
const WAYS = {
  join: (client: EnvelopeSocket, _: EnvelopeServer, given: string) => client.join(given),
  leave: (client: EnvelopeSocket, _: EnvelopeServer, given: string) => client.leave(given),
  socketsJoin: (_: EnvelopeSocket, server: EnvelopeServer, given: string) => server.socketsJoin(given),
  socketsLeave: (_: EnvelopeSocket, server: EnvelopeServer, given: string) => server.socketsLeave(given),
  'in.socketsJoin': (client: EnvelopeSocket, server: EnvelopeServer, given: string, id = client.id) =>
    server.in(id).socketsJoin(given),
  'in.socketsLeave': (client: EnvelopeSocket, server: EnvelopeServer, given: string, id = client.id) =>
    server.in(id).socketsLeave(given),
  'remote.join': async (client: EnvelopeSocket, server: EnvelopeServer, given: string, id = client.id) => {
    for (const socket of await server.in(id).fetchSockets()) await socket.join(given);
  },
  'remote.leave': async (client: EnvelopeSocket, server: EnvelopeServer, given: string, id = client.id) => {
    for (const socket of await server.in(id).fetchSockets()) await socket.leave(given);
  },
  to: (client: EnvelopeSocket, _: EnvelopeServer, given: string) => client.to(given).emit('told'),
  in: (_: EnvelopeSocket, server: EnvelopeServer, given: string) => server.in(given).emit('told'),
  except: (client: EnvelopeSocket, _: EnvelopeServer, given: string) => client.except(given).emit('told'),
  'volatile.to': (client: EnvelopeSocket, _: EnvelopeServer, given: string) =>
    client.volatile.to(given).emit('told'),
  track: (client: EnvelopeSocket, server: EnvelopeServer, given: string) =>
    server.presence.track(client, given),
  list: (_: EnvelopeSocket, server: EnvelopeServer, given: string) => server.presence.list(given),
};
const ALL = Object.keys(WAYS) as Way[];
const LEAVES = ALL.filter((way) => /leave/i.test(way));
const JOINS = ALL.filter((way) => /join/i.test(way));

interface Stage {
  app: TestApp;
  server: EnvelopeServer;
}

async function start(adapter: object = {}): Promise<Stage> {
  const app = await startApp({ providers: [RoomsGateway] }, { adapter });
  return { app, server: app.nest.get(RoomsGateway).server };
}

async function enter({ app }: Stage, name: string, query = ''): Promise<[TestClient, string]> {
  const client = await app.connect(`/ws?name=${name}${query}`);
  const { data } = await client.ask('id');
  return [client, String(data)];
}

/** The client is reached by its id and by its user. */
async function expectReached({ server }: Stage, client: TestClient, id: string, name: string): Promise<void> {
  server.to(id).emit('by id');
  server.to(user(name)).emit('by user');
  await client.next('by id');
  await client.next('by user');
}

describe('rooms that the server owns', () => {
  expectNoUnhandledErrors();

  it.each(LEAVES)('no client leaves: %s', async (way) => {
    const stage = await start();
    const [ada, id] = await enter(stage, 'ada');
    await ada.ask('call', { way: 'join', given: 'red' });
    for (const given of [user('ada'), id]) {
      const { event, data } = await ada.ask('call', { way, given });
      // only the socket itself knows what its id is
      if (!/sockets/.test(way) || given !== id)
        expect([event, data]).toMatchObject(['exception', { code: 'room_limit' }]);
      await expectReached(stage, ada, id, 'ada');
      expect(await stage.server.presence.list('red')).toHaveLength(1);
    }
    stage.server.disconnectUser('ada');
    expect((await ada.ended()).code).toBe(1000);
    await until('its end', () => countResources(stage.app)['connections'] === 0);
    expect(countResources(stage.app)).toEqual(NO_RESOURCES);
    expect(stage.app.log.of('error')).toEqual([]);
  });

  it.each(JOINS)('no client joins: %s', async (way) => {
    const stage = await start();
    const [ada] = await enter(stage, 'ada');
    expect((await ada.ask('call', { way, given: user('bob') })).data).toMatchObject({ code: 'room_limit' });
    stage.server.to(user('bob')).emit('for bob');
    await ada.settled();
    expect(ada.frames.map(({ event }) => event)).not.toContain('for bob');
  });

  it('no client leaves because another node says so', async () => {
    const bus = new Bus();
    const [here, there] = [await start({ adapter: bus.adapter }), await start({ adapter: bus.adapter })];
    const [ada, id] = await enter(here, 'ada');
    const [bob] = await enter(there, 'bob');
    for (const way of LEAVES)
      for (const given of [user('ada'), id]) await bob.ask('call', { way, given, id });
    // as a node of another version would send it, or an emitter
    const member = bus.of('/ws').find(({ nsp }) => nsp === (there.server as unknown)) as BusAdapter;
    const target = { rooms: new Set([id]), except: new Set<string>(), flags: {} };
    await member.delSockets(target, [user('ada'), id]);
    there.server.in(id).socketsJoin('red');
    there.server.in('red').emit('end');
    await ada.next('end');
    await expectReached(there, ada, id, 'ada');
    there.server.disconnectUser('ada');
    expect((await ada.ended()).code).toBe(1000);
  });

  it('is in no list of rooms, and its members are found by it', async () => {
    const bus = new Bus();
    const [here, there] = [await start({ adapter: bus.adapter }), await start({ adapter: bus.adapter })];
    const [ada, id] = await enter(here, 'ada');
    await ada.ask('call', { way: 'join', given: 'red' });
    const socket = here.server.sockets.get(id)!;
    expect([...socket.rooms]).toEqual([id, 'red']);
    for (const { server } of [here, there]) {
      const [found] = await server.in(user('ada')).fetchSockets();
      expect([found!.id, [...found!.rooms]]).toEqual([id, [id, 'red']]);
      expect(await server.except(user('ada')).fetchSockets()).toEqual([]);
    }
    const left: unknown[] = [];
    socket.on('disconnecting', () => left.push(...socket.rooms));
    ada.close();
    await until('its end', () => countResources(here.app)['connections'] === 0);
    expect(left).toEqual([id, 'red']);
    expect(countResources(here.app)).toEqual(NO_RESOURCES);
  });

  it('is that of the user that the client is now', async () => {
    const stage = await start();
    const [ada, id] = await enter(stage, 'ada', '&becomes=bob');
    stage.server.to(user('ada')).emit('for ada');
    await expectReached(stage, ada, id, 'bob');
    expect(ada.frames.map(({ event }) => event)).not.toContain('for ada');
  });
});

describe('names of rooms', () => {
  expectNoUnhandledErrors();

  const garbage = [
    null,
    true,
    {},
    { length: 1, 0: 'red' },
    [null],
    [['red']],
    [['x'.repeat(300_000)]],
    ['red', {}],
    'x'.repeat(300_000),
    ['x'.repeat(300_000)],
  ];

  it.each(ALL)('are texts and numbers alone: %s', async (way) => {
    const stage = await start();
    const [ada, id] = await enter(stage, 'ada');
    for (const given of garbage) {
      const { event, data } = await ada.ask('call', { way, given });
      expect([event, data]).toEqual(['exception', expect.objectContaining({ code: 'room_limit' })]);
      expect(JSON.stringify(data).length).toBeLessThan(300);
    }
    expect([...stage.server.adapter.rooms.keys()]).toEqual([id, user('ada')]);
    for (const given of ['red', 7, ['red', 8]]) {
      if (way === 'track' && Array.isArray(given)) continue;
      expect((await ada.ask('call', { way, given })).event).toBe('call');
    }
    expect(stage.app.log.of('error')).toEqual([]);
  });

  it('that are numbers reach who joined by the number', async () => {
    const stage = await start();
    const [ada] = await enter(stage, 'ada');
    await ada.ask('call', { way: 'join', given: [7, 'red'] });
    stage.server.to([7] as unknown as string[]).emit('told');
    await ada.next('told');
    await ada.ask('call', { way: 'leave', given: [7, 'red'] });
    expect(stage.server.adapter.rooms.size).toBe(2);
  });
});
