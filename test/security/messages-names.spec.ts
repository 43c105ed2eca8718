import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { besiege } from '../support/siege.js';
import { expectNoStrays } from '../support/strays.js';
import { deferred } from '../support/wait.js';

/** Names that mean something to an emitter, to the line, to Socket.IO or to every object. */
const NAMES = [
  'close',
  'error',
  'pong',
  'ping',
  'drain',
  'disconnect',
  'disconnecting',
  'connect',
  'connection',
  'message',
  'newListener',
  'removeListener',
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'toString',
  'valueOf',
  'toJSON',
  'then',
];

@WebSocketGateway({ path: '/ws' })
class NamesGateway {
  readonly heard: string[] = [];
  readonly never = deferred<string>();
  listening = true;

  handleConnection(client: EnvelopeSocket): void {
    if (!this.listening) return;
    client.on('something', () => undefined);
    for (const name of ['close', 'error', 'pong', 'ping', 'drain', 'disconnect', 'disconnecting']) {
      client.on(name, () => this.heard.push(name));
    }
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('close')
  close(@MessageBody() data: unknown): unknown {
    return ['close', data];
  }
  @SubscribeMessage('error')
  error(@MessageBody() data: unknown): unknown {
    return ['error', data];
  }
  @SubscribeMessage('__proto__')
  proto(@MessageBody() data: unknown): unknown {
    return ['__proto__', data];
  }
  @SubscribeMessage('constructor')
  construct(@MessageBody() data: unknown): unknown {
    return ['constructor', data];
  }
  @SubscribeMessage('wait')
  wait(): Promise<string> {
    return this.never.promise;
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): Promise<number> {
    await client.join(room);
    return client.rooms.size;
  }
  @SubscribeMessage('keys')
  keys(@MessageBody() data: object): unknown {
    return [Object.getPrototypeOf(data) === Object.prototype, Object.keys(data)];
  }
}

const attack = besiege(NamesGateway);

describe('hostile names', () => {
  expectNoStrays();

  it(
    'a subscribed event of any name reaches its handler, the others are unknown, none a line listener',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      for (const name of NAMES) {
        const answer = await client.ask(name, { [name]: 1 });
        if (['close', 'error', '__proto__', 'constructor'].includes(name)) {
          expect(answer).toMatchObject({ event: name, data: [name, { [name]: 1 }] });
        } else {
          expect(answer).toMatchObject({ event: 'exception', data: { code: 'unknown_event' } });
        }
        client.send({ event: name });
      }
      await client.settled();
      expect(gateway.heard).toEqual([]);
      expect(client.closed).toBeUndefined();
    }),
  );

  it(
    'the same where nobody listens to the client',
    attack(async ({ attacker, gateway }) => {
      gateway.listening = false;
      const client = await attacker();
      expect(await client.ask('error', 1)).toMatchObject({ event: 'error', data: ['error', 1] });
      expect(await client.ask('disconnect')).toMatchObject({ data: { code: 'unknown_event' } });
    }),
  );

  it.each(['$session', '$auth2', '$', '$$', '$__proto__', '$upgrade', '$PING', '$ping ', '$offset'])(
    'the protocol keeps "%s" to itself',
    (name) =>
      attack(async ({ attacker }) => {
        const client = await attacker();
        const refused = { event: 'exception', data: { code: 'reserved_event' } };
        expect(await client.ask(name, 1)).toMatchObject(refused);
        client.send({ event: name, data: 'x' });
        expect(await client.next('exception')).toMatchObject(refused);
      })(),
  );

  it(
    'an exception without an ack is refused, and counts as malformed',
    attack(async ({ attacker }) => {
      const client = await attacker();
      expect(await client.ask('exception', 'x')).toMatchObject({
        event: 'exception',
        data: { code: 'reserved_event' },
      });
      for (let i = 0; i < 9; i++) client.send({ event: 'exception', data: { status: 'error' } });
      expect((await client.ended()).code).toBe(1008);
    }),
  );

  it.each(NAMES)('"%s" as a room and as an id stays what it is', (name) =>
    attack(
      async ({ attacker, server }) => {
        const [ada, bob] = [await attacker(), await attacker()];
        expect(await ada.ask('join', name, name)).toEqual({ event: 'join', data: 2, ack: name });
        server.to(name).emit('told', name);
        server.except(name).emit('others', name);
        expect(await ada.next('told')).toEqual({ event: 'told', data: name });
        // the witness and bob, not ada
        expect(await bob.next('others')).toEqual({ event: 'others', data: name });
        await ada.settled();
        expect(ada.frames.some(({ event }) => event === 'others')).toBe(false);
        expect(bob.frames.some(({ event }) => event === 'told')).toBe(false);
        expect(Object.keys(Object.prototype)).toEqual([]);
      },
      ['others'],
    )(),
  );

  it(
    'keys of the payload that name prototypes are keys',
    attack(async ({ attacker }) => {
      const client = await attacker();
      const data = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":1}';
      client.send(`{"event":"keys","id":1,"data":${data}}`);
      expect((await client.answer(1)).data).toEqual([true, ['__proto__', 'constructor', 'prototype']]);
      client.send(`{"event":"echo","id":2,"data":${data},"__proto__":{"event":"close"},"constructor":1}`);
      expect(await client.answer(2)).toMatchObject({ event: 'echo' });
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    }),
  );

  it(
    'an id in flight ends the line with 4409; 1 and "1" are two ids',
    attack(async ({ attacker, gateway, server }) => {
      const client = await attacker();
      client.send({ event: 'wait', id: 1 });
      client.send({ event: 'wait', id: '1' });
      await client.settled();
      expect(client.closed).toBeUndefined();
      client.send({ event: 'echo', data: 'never', id: 1 });
      client.send({ event: 'echo', data: 'never' });
      expect(await client.ended()).toEqual({ code: 4409, reason: 'id already in flight' });
      gateway.never.resolve('late');
      expect(client.frames.map(({ event }) => event)).toEqual(['$ping']);
      expect(server.sockets.size).toBe(1);
    }),
  );

  it(
    'an id may be used again as soon as it was answered',
    attack(async ({ attacker }) => {
      const client = await attacker();
      for (let i = 0; i < 100; i++) expect((await client.ask('echo', i, 'same')).data).toBe(i);
      expect((await client.ask('nobody', 1, 'same')).data.code).toBe('unknown_event');
      expect((await client.ask('echo', 1, 'same')).data).toBe(1);
    }),
  );

  it(
    'a malformed message with an id in flight is refused without answering for it',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      client.send({ event: 'wait', id: 1 });
      client.send({ event: '', id: 1 });
      client.send({ event: '$no', id: 1 });
      await client.settled();
      gateway.never.resolve('done');
      expect(await client.answer(1)).toEqual({ event: 'wait', data: 'done', ack: 1 });
      const refusals = client.frames.filter(({ event }) => event === 'exception');
      expect(refusals.map(({ data, ack }) => [data.code, ack])).toEqual([
        ['bad_event', undefined],
        ['reserved_event', undefined],
      ]);
    }),
  );
});
