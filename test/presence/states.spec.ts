import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { states, type RoomStates } from '../../lib/client/presence.js';
import { coded } from '../support/error-code.js';
import { deferred, until } from '../support/wait.js';
import { cut, Pages, ROOM, shows, startNode, textOf } from './states-fixture.js';

describe('shared states', () => {
  const pages = new Pages();
  afterEach(() => pages.close());

  it('shows the latest state of each client to the others, and to those who come later', async () => {
    const node = await startNode();
    const [ada, bob] = [await pages.enter(node), await pages.enter(node)];
    ada.room.set({ x: 1 });
    await shows(bob, '{"x":1}');
    for (let x = 2; x <= 60; x++) ada.room.set({ x });
    await shows(bob, '{"x":60}');
    bob.room.set(['selected', 7]);
    const eve = await pages.enter(node);
    await shows(eve, '["selected",7]; {"x":60}');
    await shows(ada, '["selected",7]');
    expect(eve.room.others.map(({ id }) => id)).toEqual([ada.socket.id, bob.socket.id]);
    expect(eve.room.count).toBe(2);
  });

  it('forgets a state that its client ends, or that leaves with it', async () => {
    const node = await startNode();
    const [ada, bob, eve] = [await pages.enter(node), await pages.enter(node), await pages.enter(node)];
    for (const [index, { room }] of [ada, bob, eve].entries()) room.set(index);
    const watcher = await pages.enter(node);
    await shows(watcher, '0; 1; 2');
    ada.room.set(null);
    await shows(watcher, '1; 2');
    await bob.socket.emitWithAck('leave', ROOM);
    await shows(watcher, '2');
    eve.socket.disconnect();
    await shows(watcher, '');
    ada.room.set(3);
    await shows(watcher, '3');
    ada.room.stop();
    await shows(watcher, '');
  });

  it('sends a state once its client is in the room, and again after each cut', async () => {
    const node = await startNode();
    const watcher = await pages.enter(node);
    const ada = pages.open(node);
    ada.room.set('here');
    const joined = ada.socket.subscribe('join', ROOM);
    await joined.ready;
    await shows(watcher, '"here"');
    watcher.room.set('watching');
    for (const who of [ada, watcher]) {
      cut([node], who.socket);
      await until('the cut', () => !who.room.isCurrent);
      if (who === watcher) await watcher.socket.emitWithAck('join', ROOM);
      await shows(watcher, '"here"');
      await shows(ada, '"watching"');
    }
  });

  it('sends a state again after its client was out of the room', async () => {
    const node = await startNode();
    const [ada, watcher] = [await pages.enter(node), await pages.enter(node)];
    ada.room.set(1);
    await shows(watcher, '1');
    await ada.socket.emitWithAck('leave', ROOM);
    await shows(watcher, '');
    await ada.socket.emitWithAck('join', ROOM);
    await shows(watcher, '1');
  });

  it('is one channel for all parts of a page, also for those that come late', async () => {
    const node = await startNode();
    const [ada, watcher] = [await pages.enter(node), await pages.enter(node)];
    watcher.room.set('w');
    await shows(ada, '"w"');
    const late = states(ada.socket, ROOM);
    expect(textOf(late.others)).toBe('"w"');
    late.set('late');
    await shows(watcher, '"late"');
    // the state belongs to who set it
    ada.room.stop();
    watcher.room.set('w2');
    await shows({ ...ada, room: late }, '"w2"');
    expect(textOf(watcher.room.others)).toBe('"late"');
    late.stop();
    await shows(watcher, '');
    // the client is in the room all the time
    const again = states(ada.socket, ROOM);
    await shows({ ...ada, room: again }, '"w2"');
    again.stop();
  });

  it('names the member that a client is, or its user', async () => {
    const node = await startNode({
      identify: (user?: string) => user,
      verifyClient: () => true,
    });
    const [ada, bob] = [await pages.enter(node), await pages.enter(node)];
    ada.room.set(1);
    await shows(bob, '1');
    await ada.socket.emitWithAck('track', 'ada');
    await shows(bob, 'ada 1');
    await ada.socket.emitWithAck('track', 'ada2');
    await shows(bob, 'ada2 1');
    await ada.socket.emitWithAck('untrack');
    await shows(bob, '1');
    node.server.sockets.get(ada.socket.id!)!.user = 'user';
    ada.room.set(2);
    await shows(bob, 'user 2');
  });

  it('takes no state that is too large, malformed, or not for a room of the client whose states are shared', async () => {
    const node = await startNode();
    const watcher = await pages.enter(node);
    const bare = await node.app.connect('/ws');
    const answers = async (data: unknown, event = 'states'): Promise<unknown> => {
      const { event: name, data: answer } = await bare.ask(event, data);
      return name === 'exception' ? (answer as { message: string }).message : answer;
    };
    const notThere = 'states: you are in no room of this name whose states are shared';
    expect(await answers({ room: ROOM, state: 1 })).toBe(notThere);
    for (const room of [ROOM, 'yard', 'hall']) await bare.ask('join', room);
    expect(await answers({ room: 'yard', state: 1 })).toBe(notThere);
    expect(await answers({ room: 'hall', state: 1 })).toBe(notThere);
    expect(await answers({ room: 'board:2', state: 1 })).toBe(notThere);
    // who may have left meanwhile ends nothing
    expect(await answers({ room: 'board:2', state: null })).toBeUndefined();
    for (const data of [undefined, null, 7, 'x', [ROOM], {}, { room: 7 }, { state: 1 }])
      expect(await answers(data)).toBe('states: data takes { room, state }, and room is a text');
    for (const ttl of [0, -1, 1.5, '5', null, 2 ** 31])
      expect(await answers({ room: ROOM, state: 1, ttl })).toMatch(/^states: ttl takes a whole number/);
    const large = 'states: a state has at most 2048 bytes of JSON';
    expect(await answers({ room: ROOM, state: 'x'.repeat(2_047) })).toBe(large);
    expect(await answers({ room: ROOM, state: '€'.repeat(700) })).toBe(large);
    expect(await answers({ room: 'hall', state: { x: 'x'.repeat(100) } }, 'hall')).toMatch(/at most 100/);
    expect(await answers({ room: 'hall', state: { y: 1 } }, 'hall')).toBe('hall: the state is not accepted');
    expect(await answers({ room: 'hall', state: { x: 13 } }, 'hall')).toBe('thirteen is taken');
    expect(await answers({ room: 'hall', state: { x: 14 } }, 'hall')).toBe('Internal server error');
    expect(node.app.log.of('error').join()).toContain('a fault of the application');
    expect(watcher.room.others).toEqual([]);
    // the largest one; also without an id, and with fields of a prototype
    bare.send(`{"event":"states","data":{"room":"${ROOM}","state":"${'x'.repeat(2_046)}"}}`);
    await until('the state', () => watcher.room.others.length === 1);
    bare.send(`{"event":"states","data":{"room":"${ROOM}","state":{"__proto__":{"a":1}}}}`);
    await shows(watcher, '{"__proto__":{"a":1}}');
    expect(({} as { a?: number }).a).toBeUndefined();
    expect(await answers({ room: ROOM, state: 1 }, 'unknown')).toMatch(/no handler/);
  });

  it('has an event and rules of its own for each room', async () => {
    const node = await startNode();
    const [ada, bob] = [await pages.enter(node, 'hall', 'hall'), await pages.enter(node, 'hall', 'hall')];
    ada.room.set({ x: 1 });
    await shows(bob, '{"x":1}');
  });

  it('tells the number in a room with too many, and the states again when fewer are left', async () => {
    const node = await startNode();
    const watcher = await pages.enter(node);
    const others = await Promise.all(Array.from({ length: 21 }, () => node.app.connect('/ws')));
    for (const [index, other] of others.entries()) {
      await other.ask('join', ROOM);
      await other.ask('states', { room: ROOM, state: index });
    }
    await until('the number', () => watcher.room.count === 21 && watcher.room.others.length === 0);
    const frames: unknown[] = [];
    watcher.socket.on('states', (news: unknown) => frames.push(news));
    // a change of a state changes no number
    await others[0]!.ask('states', { room: ROOM, state: 'new' });
    await others[1]!.ask('leave', ROOM);
    await until('the states', () => watcher.room.others.length === 20);
    expect(frames).toHaveLength(1);
    expect(watcher.room.others[0]!.state).toBe('new');
  });

  it('tells the number, and the states again, also to the client whose own state makes the difference', async () => {
    const node = await startNode();
    const ada = await pages.enter(node);
    const others = await Promise.all(Array.from({ length: 20 }, () => node.app.connect('/ws')));
    for (const [index, other] of others.entries()) {
      await other.ask('join', ROOM);
      await other.ask('states', { room: ROOM, state: index });
    }
    await until('all states', () => ada.room.others.length === 20);
    ada.room.set('one more');
    await until('the number', () => ada.room.count === 21 && ada.room.others.length === 0);
    ada.room.set(null);
    await until('the states', () => ada.room.others.length === 20);
  });

  it('lets a handler of the application take the event instead', async () => {
    @WebSocketGateway({ path: '/ws' })
    class OwnGateway {
      @SubscribeMessage('states')
      states(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): unknown {
        return [client.id, data];
      }
    }
    const node = await startNode({}, [OwnGateway]);
    const { socket } = await pages.enter(node);
    expect(await socket.emitWithAck('states', 1)).toEqual([socket.id, 1]);
  });

  it('keeps nothing for recovery: a client that comes back gets the latest states', async () => {
    const node = await startNode({ recovery: true });
    const [ada, bob] = [await pages.enter(node), await pages.enter(node)];
    ada.room.set(1);
    bob.room.set('b');
    await shows(bob, '1');
    const frames: { all?: unknown[] }[] = [];
    const { promise, resolve } = deferred();
    bob.socket.once('disconnect', () => {
      bob.socket.on('states', (news: object) => void frames.push(news));
      resolve();
    });
    cut([node], bob.socket);
    await promise;
    for (let n = 2; n < 6; n++) ada.room.set(n);
    await shows(bob, '5');
    expect(bob.socket.recovered).toBe(true);
    expect(frames.findIndex(({ all }) => all !== undefined)).toBe(0);
    await shows(ada, '"b"');
  });

  it('does not wait for slow clients, which get the latest states when they read again', async () => {
    const node = await startNode();
    const [ada, bob] = [await pages.enter(node), await pages.enter(node)];
    const slow = await node.app.connect('/ws');
    await slow.ask('join', ROOM);
    await slow.next('states');
    const [ofSlow] = [...node.server.sockets.values()].filter(
      ({ id }) => id !== ada.socket.id && id !== bob.socket.id,
    );
    slow.ws.pause();
    let filled = 0;
    while (ofSlow!._connection.outbox.writable) {
      ofSlow!.emit('filler', 'x'.repeat(400_000));
      filled++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (let n = 1; n <= 5; n++) {
      ada.room.set(n);
      await shows(bob, String(n));
    }
    slow.ws.resume();
    await until('the filler', () => slow.frames.filter(({ event }) => event === 'filler').length === filled);
    await until('the latest state', () => JSON.stringify(slow.frames.at(-1)).includes('"state":5'));
    const [first, ...more] = slow.frames.filter(({ event }) => event === 'states').slice(1);
    expect(first!.data).toEqual({
      room: ROOM,
      rev: expect.any(Number),
      all: [{ id: ada.socket.id, state: 5 }],
    });
    expect(more).toEqual([]);
  });

  it('keeps nothing of a thousand clients that have left', async () => {
    const node = await startNode();
    const watcher = await pages.enter(node);
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 100 }, () => node.app.connect('/ws')));
      await Promise.all(clients.map((client) => client.ask('join', ROOM)));
      for (const [index, client] of clients.entries()) {
        client.send({ event: 'states', data: { room: ROOM, state: index, ttl: 60_000 } });
      }
      await until('all states', () => watcher.room.count === 100);
      for (const client of clients) client.ws.terminate();
      await until('no state', () => watcher.room.count === 0 && watcher.room.others.length === 0);
    }
    await watcher.socket.emitWithAck('leave', ROOM);
    await until('the end of the sockets', () => node.server.sockets.size === 1);
    const { states: kept } = node.server.presence as unknown as {
      states: {
        rooms: Map<unknown, unknown>;
        shared: { rooms: Map<unknown, unknown>; changes: Map<unknown, unknown> };
      };
    };
    await until('the last message', () => kept.shared.changes.size === 0);
    expect([kept.rooms.size, kept.shared.rooms.size]).toEqual([0, 0]);
  });

  it('checks its arguments', async () => {
    const { server } = await startNode();
    const { presence } = server;
    const option =
      (options: object): (() => unknown) =>
      () =>
        presence.shareStates('a', options);
    expect(() => presence.shareStates('')).toThrow(
      coded('ERR_ENVELOPE_INVALID_ARGUMENT', 'presence.shareStates: room is ""'),
    );
    expect(option({ every: -1 })).toThrow(coded('ERR_ENVELOPE_INVALID_OPTION', 'every is -1'));
    expect(option({ maxStates: 0.5 })).toThrow('maxStates is 0.5');
    expect(option({ maxBytes: '1' })).toThrow('maxBytes is "1"');
    expect(option({ accept: true })).toThrow('accept');
    expect(option({ maxByte: 1 })).toThrow('Did you mean "maxBytes"?');
    expect(option({ event: '$x' })).toThrow(coded('ERR_ENVELOPE_RESERVED_EVENT'));
    const socket = { on: () => undefined, off: () => undefined, connected: false };
    const room = states<unknown>(socket as never, 'a');
    for (const ttl of [0, 1.5, NaN, 2 ** 31]) expect(() => room.set(1, { ttl })).toThrow(`ttl is ${ttl}`);
    expect(() => room.set(1n)).toThrow(TypeError);
    expect(() => room.onChange(1 as never)).toThrow('is not a function');
    room.stop();
    const stopped: RoomStates = room;
    stopped.stop();
    stopped.set(1);
  });
});
