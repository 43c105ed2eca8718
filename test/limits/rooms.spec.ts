import { ArgumentsHost, Catch, UseFilters } from '@nestjs/common';
import {
  BaseWsExceptionFilter,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { from, mergeMap, of, type Observable } from 'rxjs';
import { EnvelopeSocket, RoomLimitError } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { underAttack, type AttackHarness } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

/** A typical filter of an application: a subclass of Nest's filter. */
@Catch()
class UserFilter extends BaseWsExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    super.catch(error as object, host);
  }
}

@WebSocketGateway({ path: '/ws' })
class RoomsGateway {
  readonly clients: EnvelopeSocket[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('join')
  async join(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() rooms: string | string[],
  ): Promise<number> {
    await client.join(rooms);
    return client.rooms.size;
  }
  @SubscribeMessage('join unawaited')
  unawaited(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() rooms: string | string[]): number {
    void client.join(rooms);
    return client.rooms.size;
  }
  @SubscribeMessage('join observed')
  observed(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Observable<unknown> {
    return of(room).pipe(mergeMap((name) => from(Promise.resolve(client.join(name)))));
  }
  @SubscribeMessage('join generated')
  async *generated(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() room: string,
  ): AsyncGenerator<string> {
    yield 'joining';
    await client.join(room);
  }
  @UseFilters(UserFilter)
  @SubscribeMessage('join filtered')
  async filtered(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<void> {
    await client.join(room);
  }
  @SubscribeMessage('join caught')
  async caught(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<unknown> {
    try {
      await client.join(room);
      return undefined;
    } catch (error) {
      const { code, message } = error as RoomLimitError;
      return [error instanceof RoomLimitError, error instanceof WsException, code, message];
    }
  }
  @SubscribeMessage('leave')
  leave(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): number {
    void client.leave(room);
    return client.rooms.size;
  }
}

// The client's own room, and four more.
const attack = underAttack(RoomsGateway, { limits: { maxRooms: 5, maxRoomNameLength: 10 } });
const TOO_MANY = { status: 'error', code: 'room_limit', message: 'a client may be in 5 rooms' };
const TOO_LONG = { ...TOO_MANY, message: 'the name of a room must not exceed 10 characters' };
const EVENTS = ['', ' observed', ' generated', ' filtered'].map((variant) => `join${variant}`);

async function joinRooms(client: TestClient): Promise<void> {
  for (const [index, room] of ['a', 'b', 'c', 'd'].entries())
    expect(await client.ask('join', room)).toMatchObject({ event: 'join', data: index + 2 });
}

/** Expects an exception about the limit, with an id and without, and no error in the log. */
async function expectRefused(
  { app }: AttackHarness<RoomsGateway>,
  client: TestClient,
  event: string,
): Promise<void> {
  for (const [room, data] of [
    ['e', TOO_MANY],
    ['x'.repeat(11), TOO_LONG],
  ] as const) {
    client.send({ event, data: room, id: 1, stream: true });
    let answer = await client.answer(1);
    while (answer.more) answer = await client.answer(1);
    expect(answer).toEqual({ event: 'exception', data, ack: 1 });
    client.send({ event, data: room });
    expect(await client.next('exception')).toEqual({ event: 'exception', data });
  }
  expect(app.log.of('error')).toEqual([]);
}

describe('limits on rooms', () => {
  expectNoUnhandledErrors();

  it.each(EVENTS)('one more room, or a room with too long a name, is refused: %s', (event) =>
    attack(async (harness) => {
      const client = await harness.attacker();
      await joinRooms(client);
      await expectRefused(harness, client, event);
      const [socket] = harness.gateway.clients.slice(-1);
      expect([...socket!.rooms]).toEqual([socket!.id, 'a', 'b', 'c', 'd']);
      // Rooms that the client is in already do not count again, and leaving one frees a slot.
      expect((await client.ask('join', ['a', 'b', 'c', 'd'])).data).toBe(5);
      expect((await client.ask('leave', 'a')).data).toBe(4);
      expect((await client.ask('join', 'e')).data).toBe(5);
      expect((await client.ask('join', 'x'.repeat(10))).event).toBe('exception');
    })(),
  );

  it(
    'a list with one room too many joins no room',
    attack(async ({ attacker, gateway, app }) => {
      const client = await attacker();
      const socket = gateway.clients.at(-1)!;
      expect((await client.ask('join', ['a', 'b', 'c', 'd', 'e'])).data).toEqual(TOO_MANY);
      expect((await client.ask('join', ['a', 'x'.repeat(11)])).data).toEqual(TOO_LONG);
      expect(socket.rooms.size).toBe(1);
      expect((await client.ask('join', ['a', 'b', 'c', 'd'])).data).toBe(5);
      expect(app.log.of('error')).toEqual([]);
    }),
  );

  it(
    'the refusal of a join that is not awaited is logged, and not sent to the client',
    attack(async ({ attacker, app }) => {
      const client = await attacker();
      await joinRooms(client);
      expect((await client.ask('join unawaited', 'e')).data).toBe(5);
      await client.settled();
      expect(client.frames.filter(({ event }) => event === 'exception')).toEqual([]);
      expect(app.log.of('warn')).toEqual([expect.stringContaining('a client may be in 5 rooms')]);
      for (let i = 0; i < 100; i++) client.send({ event: 'join unawaited', data: `e${i}` });
      for (let i = 0; i < 100; i++) client.send({ event: 'join unawaited', data: 'x'.repeat(11 + i) });
      await client.settled();
      expect(app.log.of('warn')).toHaveLength(10);
      expect(app.log.of('error')).toEqual([]);
    }),
  );

  it(
    'a handler can catch the refusal as RoomLimitError and as WsException',
    attack(async ({ attacker }) => {
      const client = await attacker();
      await joinRooms(client);
      expect((await client.ask('join caught', 'e')).data).toEqual([
        true,
        true,
        'ERR_ENVELOPE_ROOM_LIMIT',
        'a client may be in 5 rooms',
      ]);
    }),
  );

  it.each([
    ['a listener', 'on'],
    ['a middleware', 'use'],
  ] as const)('%s of the client can join rooms, and reports the refusal', (_, kind) =>
    attack(async (harness) => {
      const client = await harness.attacker();
      await joinRooms(client);
      const socket = harness.gateway.clients.at(-1)!;
      if (kind === 'on')
        socket.on('join by hand', async (room: string) => {
          await socket.join(room);
        });
      else
        socket.use(async ([event, room], next) => {
          if (event === 'join by hand') await socket.join(room as string);
          next();
        });
      await expectRefused(harness, client, 'join by hand');
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
      expect(socket._requests.inFlight).toBe(0);
    })(),
  );

  it(
    'the refusal in a catch-all listener is not sent to the client',
    attack(async ({ attacker, gateway, app }) => {
      const client = await attacker();
      await joinRooms(client);
      gateway.clients.at(-1)!.onAny(async () => gateway.clients.at(-1)!.join('e'));
      expect(await client.ask('echo', 1)).toMatchObject({ event: 'echo', data: 1 });
      await client.settled();
      expect(client.frames.filter(({ event }) => event === 'exception')).toEqual([]);
      expect(app.log.of('error')).toEqual([]);
    }),
  );

  it('socketsJoin joins no client to more rooms than the limit, and still joins the others', async () => {
    const app = await startApp({ providers: [RoomsGateway] }, { adapter: { limits: { maxRooms: 3 } } });
    const [full, other] = [await app.connect('/ws'), await app.connect('/ws')];
    expect((await full.ask('join', ['a', 'b'])).data).toBe(3);
    const server = app.adapter.create(0, { path: '/ws' });
    server.socketsJoin('all');
    server.to('all').emit('news', 1);
    expect((await other.next('news')).data).toBe(1);
    await full.settled();
    expect(full.frames.map(({ event }) => event)).not.toContain('news');
    expect(app.log.of('error')).toEqual([]);
  });

  it.each([
    ['maxRooms', 5_000, false],
    ['maxRoomNameLength', 5_000, false],
    ['maxRooms', false, false],
    ['maxRoomNameLength', false, false],
    ['maxRooms', undefined, true],
    ['maxRoomNameLength', undefined, true],
  ])('%s %p', async (name, value, isLimited) => {
    const limits = { maxPayload: false, [name]: value } as const;
    const app = await startApp({ providers: [RoomsGateway] }, { adapter: { limits } });
    const client = await app.connect('/ws');
    const roomNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `room ${i}`);
    const isNames = name === 'maxRoomNameLength';
    const maximum = value === undefined ? (isNames ? 256 : 999) : isNames ? 5_000 : 4_999;
    const first = await client.ask('join', isNames ? 'x'.repeat(maximum) : roomNames(maximum));
    expect(first.data).toBe(isNames ? 2 : maximum + 1);
    const next = await client.ask('join', isNames ? 'x'.repeat(maximum + 1) : 'one more');
    if (isLimited || value !== false) expect(next.data.code).toBe('room_limit');
    else expect(next.data).toBe(isNames ? 3 : maximum + 2);
  });

  it.each([true, false])(
    'a refusal in handleConnection closes an awaited connection with 1008 (awaited: %p)',
    async (isAwaited) => {
      @WebSocketGateway({ path: '/ws', limits: { maxRooms: 2 } })
      class JoiningGateway {
        async handleConnection(client: EnvelopeSocket): Promise<void> {
          const joined = client.join(['a', 'b']);
          if (isAwaited) await joined;
        }
      }
      const app = await startApp({ providers: [JoiningGateway] });
      const client = await app.connect('/ws');
      if (isAwaited) {
        expect((await client.next('exception')).data).toEqual({
          ...TOO_MANY,
          message: 'a client may be in 2 rooms',
        });
        expect(await client.ended()).toEqual({ code: 1008, reason: 'a client may be in 2 rooms' });
      } else {
        await client.settled();
      }
      expect(app.log.of('error')).toEqual([]);
      expect(app.log.of('warn')).toHaveLength(1);
    },
  );

  it(
    'an invalid room name is refused like any other join',
    attack(async ({ attacker, app }) => {
      const client = await attacker();
      client.send({ event: 'join', id: 1 });
      const refused = { ...TOO_MANY, message: expect.stringContaining('must be a text or a number') };
      expect((await client.answer(1)).data).toEqual(refused);
      for (const data of [null, true]) expect((await client.ask('join', data)).data).toEqual(refused);
      expect((await client.ask('join', 5)).event).toBe('join');
      expect(app.log.of('error')).toEqual([]);
    }),
  );
});
