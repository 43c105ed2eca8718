import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type AdapterFactory } from '../../lib/index.js';
import { connect, DisconnectedError, type ClientSocket } from '../../lib/client/node.js';
import { presence, type PresentMember, type RoomPresence } from '../../lib/client/presence.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { coded } from '../support/error-code.js';
import { newSeed, Random } from '../support/random.js';
import { until } from '../support/wait.js';

const ROOMS = ['board:1', 'board:2'];

@WebSocketGateway({ path: '/ws' })
class BoardGateway {
  @WebSocketServer() server!: EnvelopeServer;

  afterInit(server: EnvelopeServer): void {
    server.presence.share(/^board:/, { every: 5, maxMembers: 20 }).share('hall', { event: 'hall' });
  }
  @SubscribeMessage('track')
  track(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() [key, meta]: [string, unknown]): void {
    this.server.presence.track(client, key, meta);
  }
  @SubscribeMessage('update')
  update(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() meta: unknown): void {
    this.server.presence.update(client, meta);
  }
  @SubscribeMessage('untrack')
  untrack(@ConnectedSocket() client: EnvelopeSocket): void {
    this.server.presence.untrack(client);
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
  @SubscribeMessage('leave')
  async leave(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.leave(room);
  }
}

interface Node {
  app: TestApp;
  server: EnvelopeServer;
}

/** A client of a node, and what it knows of the rooms. */
interface Page {
  socket: ClientSocket;
  rooms: Map<string, RoomPresence>;
  ask(event: string, data?: unknown): Promise<unknown>;
}

describe('shared presence', () => {
  const pages = new Set<Page>();
  afterEach(() => {
    for (const { socket } of pages) socket.disconnect();
    pages.clear();
  });

  async function startNode(adapter?: AdapterFactory): Promise<Node> {
    const app = await startApp(
      { providers: [BoardGateway] },
      adapter === undefined ? {} : { adapter: { adapter } },
    );
    return { app, server: app.nest.get(BoardGateway).server };
  }
  function open({ app }: Node, names = ROOMS): Page {
    const socket = connect(app.url('/ws'), { reconnectionDelay: 10, reconnectionDelayMax: 20 });
    const rooms = new Map(names.map((room) => [room, presence(socket, room)]));
    const page: Page = { socket, rooms, ask: (event, data) => socket.emitWithAck(event, data) };
    pages.add(page);
    return page;
  }
  async function enter(node: Node, key: string, meta?: unknown, room = ROOMS[0]!): Promise<Page> {
    const page = open(node);
    await page.ask('track', [key, meta]);
    await page.ask('join', room);
    return page;
  }
  /** Returns the members of a room as text, in any order. */
  const textOf = (members: readonly PresentMember[]): string =>
    members
      .map(
        ({ key, metas }) =>
          `${key} ${metas
            .map((meta) => JSON.stringify(meta))
            .sort()
            .join()}`,
      )
      .sort()
      .join('; ');
  const shown = (page: Page, room = ROOMS[0]!): string => {
    const { members, isCurrent } = page.rooms.get(room)!;
    return isCurrent ? textOf(members) : 'out of date';
  };
  const shows = (page: Page, text: string, room?: string): Promise<void> =>
    until(`"${text}" in ${room ?? ROOMS[0]}`, () => shown(page, room) === text).catch((error: unknown) => {
      throw new Error(`${String(error)}: it shows "${shown(page, room)}"`);
    });

  it('tells who is there to who joins, and then what changes', async () => {
    const node = await startNode();
    const ada = await enter(node, 'ada', { at: 1 });
    await shows(ada, 'ada {"at":1}');
    const events: object[] = [];
    ada.socket.on('presence', (news: object) => events.push(news));
    const bob = await enter(node, 'bob');
    await shows(ada, 'ada {"at":1}; bob null');
    await shows(bob, 'ada {"at":1}; bob null');
    await bob.ask('update', { at: 2 });
    await shows(ada, 'ada {"at":1}; bob {"at":2}');
    await bob.ask('leave', 'board:1');
    await shows(ada, 'ada {"at":1}');
    expect(events).toEqual([
      { room: 'board:1', rev: 2, join: [{ key: 'bob', metas: [null] }] },
      { room: 'board:1', rev: 3, update: [{ key: 'bob', metas: [{ at: 2 }] }] },
      { room: 'board:1', rev: 4, leave: ['bob'] },
    ]);
  });

  it('shows all tabs of a member, over all nodes, and each one that goes', async () => {
    const bus = new Bus();
    const [here, there] = [await startNode(bus.adapter), await startNode(bus.adapter)];
    const watcher = open(there);
    await watcher.ask('join', 'board:1');
    const phone = await enter(here, 'ada', 'phone');
    const desk = await enter(there, 'ada', 'desk');
    for (const page of [watcher, phone, desk]) await shows(page, 'ada "desk","phone"');
    phone.socket.disconnect();
    for (const page of [watcher, desk]) await shows(page, 'ada "desk"');
    await desk.ask('untrack');
    await shows(watcher, '');
  });

  it('tells members of a node that goes, or comes, as gone, or come', async () => {
    const bus = new Bus();
    const [here, there] = [await startNode(bus.adapter), await startNode(bus.adapter)];
    await enter(there, 'bob');
    const ada = await enter(here, 'ada');
    await shows(ada, 'ada null; bob null');
    await there.app.close();
    await shows(ada, 'ada null');
    const third = await startNode(bus.adapter);
    const eve = await enter(third, 'eve');
    for (const page of [ada, eve]) await shows(page, 'ada null; eve null');
  });

  it('learns what it missed of another node with the next change', async () => {
    const bus = new Bus();
    const [here, there] = [await startNode(bus.adapter), await startNode(bus.adapter)];
    const ada = await enter(here, 'ada');
    const bob = await enter(there, 'bob', 1);
    await shows(ada, 'ada null; bob 1');
    let lost = 0;
    bus.loses = (text) => text.includes('$presence:metas') && ++lost > 0;
    await bob.ask('update', 2);
    await until('the loss', () => lost > 0);
    bus.loses = () => false;
    await bob.ask('join', 'board:2');
    await shows(ada, 'ada null; bob 2');
  });

  it('is out of date while disconnected, and whole again after the next join', async () => {
    const node = await startNode();
    const ada = await enter(node, 'ada');
    await shows(ada, 'ada null');
    const changes: boolean[] = [];
    ada.rooms.get('board:1')!.onChange(({ isCurrent }) => changes.push(isCurrent));
    for (const client of node.server.sockets.values()) client.terminate();
    await shows(ada, 'out of date');
    await enter(node, 'bob');
    await ada.ask('join', 'board:1');
    await shows(ada, 'bob null');
    expect(changes[0]).toBe(false);
    ada.rooms.get('board:1')!.stop();
    const { length } = changes;
    await ada.ask('track', ['ada']);
    await ada.ask('join', 'board:2');
    await shows(ada, 'ada null', 'board:2');
    expect(changes).toHaveLength(length);
  });

  it('tells the number of members in a room with too many, and the members again when fewer are left', async () => {
    const node = await startNode();
    const ada = await enter(node, 'ada');
    const others = await Promise.all(Array.from({ length: 20 }, (_, n) => enter(node, `user ${n}`)));
    const room = ada.rooms.get('board:1')!;
    await until('21 members', () => room.count === 21);
    expect(room.members).toEqual([]);
    await others[0]!.ask('leave', 'board:1');
    await until('20 members', () => room.members.length === 20);
    expect(room.count).toBe(20);
  });

  it('tells the number of members whose metas are too large together, so that nobody is disconnected', async () => {
    const node = await startNode();
    const ada = await enter(node, 'ada');
    const large = await Promise.all(Array.from({ length: 30 }, () => enter(node, 'bob', 'x'.repeat(18_000))));
    const room = ada.rooms.get('board:1')!;
    await until('the number alone', () => room.count === 2 && room.members.length === 0);
    for (const { socket } of large.slice(5)) socket.disconnect();
    await until('the members', () => room.members.length === 2 && room.members[1]!.metas.length === 5);
    expect(ada.socket.connected).toBe(true);
  });

  it('has an event and rooms of its own for each rule, and no others', async () => {
    const node = await startNode();
    const page = open(node);
    const hall = presence(page.socket, 'hall', 'hall');
    const other = presence(page.socket, 'yard');
    await page.ask('track', ['ada']);
    for (const room of ['hall', 'yard']) await page.ask('join', room);
    await until('the hall', () => hall.isCurrent);
    expect(hall.members).toEqual([{ key: 'ada', metas: [null] }]);
    expect(other.isCurrent).toBe(false);
    // the same rule again changes nothing
    node.server.presence.share('hall', { event: 'again' });
    await page.ask('update', 1);
    await until('the update', () => hall.members[0]?.metas[0] === 1);
  });

  it('checks its arguments', async () => {
    const { server } = await startNode();
    const { presence: own } = server;
    expect(() => own.share('')).toThrow(coded('ERR_ENVELOPE_INVALID_ARGUMENT', 'presence.share: room is ""'));
    expect(() => own.share('a', { every: -1 })).toThrow(coded('ERR_ENVELOPE_INVALID_OPTION', 'every is -1'));
    expect(() => own.share('a', { evry: 1 } as object)).toThrow('Did you mean "every"?');
    expect(() => own.share('a', { event: '$x' })).toThrow(coded('ERR_ENVELOPE_RESERVED_EVENT'));
    const page = open({ app: { url: () => 'ws://127.0.0.1:9' } as unknown as TestApp, server });
    page.socket.disconnect();
    expect(() => page.rooms.get('board:1')!.onChange(1 as never)).toThrow('is not a function');
    expect(() => own.update({ id: 'nobody', closed: undefined } as never, 1)).toThrow(
      'presence.update: client is "nobody"',
    );
  });

  /** Tracks a client, on the next connection if the last one was cut meanwhile. */
  async function present({ ask, socket }: Page, key: string, meta: unknown): Promise<void> {
    for (;;) {
      try {
        await ask('untrack');
        return void (await ask('track', [key, meta]));
      } catch (error) {
        if (!(error instanceof DisconnectedError)) throw error;
        await until('the connection', () => socket.connected);
      }
    }
  }

  it('is the truth for every client at rest, whatever happened before', async () => {
    const seed = newSeed();
    const random = new Random(seed);
    const bus = new Bus();
    const nodes = [await startNode(bus.adapter), await startNode(bus.adapter), await startNode(bus.adapter)];
    const open9 = Array.from({ length: 9 }, () => open(random.pick(nodes)));
    const step = async (): Promise<void> => {
      const page = random.pick(open9);
      const { socket } = page;
      const what = random.below(12);
      if (what === 0) {
        for (const { server } of nodes) server.sockets.get(socket.id ?? '')?.terminate();
      } else if (what === 1) {
        bus.stall();
        setTimeout(() => bus.resume(), random.below(20));
      } else if (what < 5) socket.emit('track', [`user ${random.below(5)}`, random.below(100)]);
      else if (what === 5) socket.emit('untrack');
      else if (what < 10) socket.emit('join', random.pick(ROOMS));
      else socket.emit('leave', random.pick(ROOMS));
      if (random.chance(0.3)) await new Promise(setImmediate);
    };
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 60; i++) await step();
      bus.resume();
      for (const page of open9) await present(page, `user ${random.below(5)}`, round);
      for (const room of ROOMS) {
        const inRoom = nodes.flatMap(({ server }) => [...(server.adapter.rooms.get(room) ?? [])]);
        const [first] = nodes;
        const truth = async (): Promise<string> => textOf(await first!.server.presence.list(room));
        for (const page of open9) {
          if (!inRoom.includes(page.socket.id ?? '')) continue;
          await until(
            `seed ${seed}: the truth in ${room}`,
            async () => shown(page, room) === (await truth()),
          ).catch(async (error: unknown) => {
            throw new Error(`${String(error)}: "${shown(page, room)}" instead of "${await truth()}"`);
          });
        }
      }
    }
  });
});
