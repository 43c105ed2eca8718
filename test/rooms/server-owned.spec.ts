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
    @MessageBody() { operation, room, id }: { operation: Operation; room: unknown; id?: string },
  ): Promise<string> {
    await OPERATIONS[operation](client, this.server, room as string, id);
    return 'done';
  }
}

type Operation = keyof typeof OPERATIONS;

/** What a handler may do with a room name that a client sends. */
const OPERATIONS = {
  join: (client: EnvelopeSocket, _: EnvelopeServer, room: string) => client.join(room),
  leave: (client: EnvelopeSocket, _: EnvelopeServer, room: string) => client.leave(room),
  socketsJoin: (_: EnvelopeSocket, server: EnvelopeServer, room: string) => server.socketsJoin(room),
  socketsLeave: (_: EnvelopeSocket, server: EnvelopeServer, room: string) => server.socketsLeave(room),
  'in.socketsJoin': (client: EnvelopeSocket, server: EnvelopeServer, room: string, id = client.id) =>
    server.in(id).socketsJoin(room),
  'in.socketsLeave': (client: EnvelopeSocket, server: EnvelopeServer, room: string, id = client.id) =>
    server.in(id).socketsLeave(room),
  'remote.join': async (client: EnvelopeSocket, server: EnvelopeServer, room: string, id = client.id) => {
    for (const socket of await server.in(id).fetchSockets()) await socket.join(room);
  },
  'remote.leave': async (client: EnvelopeSocket, server: EnvelopeServer, room: string, id = client.id) => {
    for (const socket of await server.in(id).fetchSockets()) await socket.leave(room);
  },
  to: (client: EnvelopeSocket, _: EnvelopeServer, room: string) => client.to(room).emit('news'),
  in: (_: EnvelopeSocket, server: EnvelopeServer, room: string) => server.in(room).emit('news'),
  except: (client: EnvelopeSocket, _: EnvelopeServer, room: string) => client.except(room).emit('news'),
  'volatile.to': (client: EnvelopeSocket, _: EnvelopeServer, room: string) =>
    client.volatile.to(room).emit('news'),
  track: (client: EnvelopeSocket, server: EnvelopeServer, room: string) =>
    server.presence.track(client, room),
  list: (_: EnvelopeSocket, server: EnvelopeServer, room: string) => server.presence.list(room),
};
const OPERATION_NAMES = Object.keys(OPERATIONS) as Operation[];
const LEAVES = OPERATION_NAMES.filter((operation) => /leave/i.test(operation));
const JOINS = OPERATION_NAMES.filter((operation) => /join/i.test(operation));

interface Stage {
  app: TestApp;
  server: EnvelopeServer;
}

async function start(adapter: object = {}): Promise<Stage> {
  const app = await startApp({ providers: [RoomsGateway] }, { adapter });
  return { app, server: app.nest.get(RoomsGateway).server };
}

async function connectAs({ app }: Stage, name: string, query = ''): Promise<[TestClient, string]> {
  const client = await app.connect(`/ws?name=${name}${query}`);
  const { data } = await client.ask('id');
  return [client, String(data)];
}

/** Expects that emits to the id and to the user reach the client. */
async function expectReached({ server }: Stage, client: TestClient, id: string, name: string): Promise<void> {
  server.to(id).emit('by id');
  server.to(user(name)).emit('by user');
  await client.next('by id');
  await client.next('by user');
}

describe('rooms that the server owns', () => {
  expectNoUnhandledErrors();

  it.each(LEAVES)('a client cannot leave one: %s', async (operation) => {
    const stage = await start();
    const [ada, id] = await connectAs(stage, 'ada');
    await ada.ask('call', { operation: 'join', room: 'red' });
    for (const room of [user('ada'), id]) {
      const { event, data } = await ada.ask('call', { operation, room });
      // Only the socket itself knows its id.
      if (!/sockets/.test(operation) || room !== id)
        expect([event, data]).toMatchObject(['exception', { code: 'room_limit' }]);
      await expectReached(stage, ada, id, 'ada');
      expect(await stage.server.presence.list('red')).toHaveLength(1);
    }
    stage.server.disconnectUser('ada');
    expect((await ada.ended()).code).toBe(1000);
    await until('the disconnect', () => countResources(stage.app)['connections'] === 0);
    expect(countResources(stage.app)).toEqual(NO_RESOURCES);
    expect(stage.app.log.of('error')).toEqual([]);
  });

  it.each(JOINS)('a client cannot join one: %s', async (operation) => {
    const stage = await start();
    const [ada] = await connectAs(stage, 'ada');
    expect((await ada.ask('call', { operation, room: user('bob') })).data).toMatchObject({
      code: 'room_limit',
    });
    stage.server.to(user('bob')).emit('for bob');
    await ada.settled();
    expect(ada.frames.map(({ event }) => event)).not.toContain('for bob');
  });

  it('another node cannot make a client leave one', async () => {
    const bus = new Bus();
    const [here, there] = [await start({ adapter: bus.adapter }), await start({ adapter: bus.adapter })];
    const [ada, id] = await connectAs(here, 'ada');
    const [bob] = await connectAs(there, 'bob');
    for (const operation of LEAVES)
      for (const room of [user('ada'), id]) await bob.ask('call', { operation, room, id });
    // Like a node of another version, or an emitter.
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

  it('are in no list of rooms, and still find their members', async () => {
    const bus = new Bus();
    const [here, there] = [await start({ adapter: bus.adapter }), await start({ adapter: bus.adapter })];
    const [ada, id] = await connectAs(here, 'ada');
    await ada.ask('call', { operation: 'join', room: 'red' });
    const socket = here.server.sockets.get(id)!;
    expect([...socket.rooms]).toEqual([id, 'red']);
    for (const { server } of [here, there]) {
      const [found] = await server.in(user('ada')).fetchSockets();
      expect([found!.id, [...found!.rooms]]).toEqual([id, [id, 'red']]);
      expect(await server.except(user('ada')).fetchSockets()).toEqual([]);
    }
    const roomsAtDisconnect: unknown[] = [];
    socket.on('disconnecting', () => roomsAtDisconnect.push(...socket.rooms));
    ada.close();
    await until('the disconnect', () => countResources(here.app)['connections'] === 0);
    expect(roomsAtDisconnect).toEqual([id, 'red']);
    expect(countResources(here.app)).toEqual(NO_RESOURCES);
  });

  it('follow the current user of the client', async () => {
    const stage = await start();
    const [ada, id] = await connectAs(stage, 'ada', '&becomes=bob');
    stage.server.to(user('ada')).emit('for ada');
    await expectReached(stage, ada, id, 'bob');
    expect(ada.frames.map(({ event }) => event)).not.toContain('for ada');
  });
});

describe('names of rooms', () => {
  expectNoUnhandledErrors();

  const invalidNames = [
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

  it.each(OPERATION_NAMES)('can only be strings and numbers: %s', async (operation) => {
    const stage = await start();
    const [ada, id] = await connectAs(stage, 'ada');
    for (const room of invalidNames) {
      const { event, data } = await ada.ask('call', { operation, room });
      expect([event, data]).toEqual(['exception', expect.objectContaining({ code: 'room_limit' })]);
      expect(JSON.stringify(data).length).toBeLessThan(300);
    }
    expect([...stage.server.adapter.rooms.keys()]).toEqual([id, user('ada')]);
    for (const room of ['red', 7, ['red', 8]]) {
      if (operation === 'track' && Array.isArray(room)) continue;
      expect((await ada.ask('call', { operation, room })).event).toBe('call');
    }
    expect(stage.app.log.of('error')).toEqual([]);
  });

  it('can be numbers, and reach the clients that joined by the number', async () => {
    const stage = await start();
    const [ada] = await connectAs(stage, 'ada');
    await ada.ask('call', { operation: 'join', room: [7, 'red'] });
    stage.server.to([7] as unknown as string[]).emit('news');
    await ada.next('news');
    await ada.ask('call', { operation: 'leave', room: [7, 'red'] });
    expect(stage.server.adapter.rooms.size).toBe(2);
  });
});
