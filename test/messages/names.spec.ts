import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { NAMES, CONNECTION_EVENTS, RESERVED } from '../support/names.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred } from '../support/wait.js';
import { coded } from '../support/error-code.js';

@WebSocketGateway({ path: '/ws' })
class NamesGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly received: string[] = [];
  readonly never = deferred<string>();
  listening = true;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
    if (!this.listening) return;
    client.on('something', () => undefined);
    for (const name of [...CONNECTION_EVENTS, ...RESERVED]) client.on(name, () => this.received.push(name));
    this.received.length = 0;
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

@WebSocketGateway({ path: '/any', namespace: /^\/.+$/ })
class AnyPathGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('where')
  where(@ConnectedSocket() client: EnvelopeSocket): string {
    return client.nsp.name;
  }
}

const attack = underAttack(NamesGateway);

describe('hostile names', () => {
  expectNoUnhandledErrors();

  it(
    'a reserved name is refused, a subscribed one reaches its handler, and others are unknown',
    attack(async ({ attacker, gateway }) => {
      const client = await attacker();
      for (const name of NAMES) {
        const answer = await client.ask(name, { [name]: 1 });
        if (RESERVED.includes(name)) {
          expect(answer).toMatchObject({ event: 'exception', data: { code: 'reserved_event' } });
        } else if (['close', 'error', '__proto__', 'constructor'].includes(name)) {
          expect(answer).toMatchObject({ event: name, data: [name, { [name]: 1 }] });
        } else {
          expect(answer).toMatchObject({ event: 'exception', data: { code: 'unknown_event' } });
        }
        client.send({ event: name });
        // Reserved names in a row would close the connection.
        expect(await client.ask('echo', name)).toMatchObject({ data: name });
      }
      expect(gateway.received).toEqual([]);
      expect(client.closed).toBeUndefined();
    }),
  );

  it(
    'a reserved name counts as malformed',
    attack(async ({ attacker }) => {
      const client = await attacker();
      for (let i = 0; i < 10; i++) client.send({ event: RESERVED[i % RESERVED.length]! });
      expect((await client.ended()).code).toBe(1008);
    }),
  );

  it(
    'client listeners receive events of their own name, and catch-all listeners every event that is not reserved',
    attack(async ({ attacker, gateway, app }) => {
      gateway.listening = false;
      const [client, catchAll] = [await attacker(), await attacker()];
      const received: unknown[] = [];
      for (const name of NAMES) gateway.clients.at(-2)!.on(name, (data) => received.push([name, data]));
      gateway.clients.at(-1)!.onAny((event, data) => received.push([event, data]));
      received.length = 0;
      for (const name of NAMES) {
        for (const target of [client, catchAll]) {
          target.send({ event: name, data: name });
          expect(await target.ask('echo', 1)).toMatchObject({ data: 1 });
        }
      }
      const unreserved = NAMES.filter((name) => !RESERVED.includes(name));
      const toListeners = unreserved.filter((name) => !CONNECTION_EVENTS.includes(name));
      const called = received.filter((args) => JSON.stringify(args) !== '["echo",1]');
      const twice = unreserved.flatMap((name) => {
        const args = [name, name];
        return toListeners.includes(name) ? [args, args] : [args];
      });
      expect(called).toEqual(twice);
      const warnings = app.log.of('warn').filter((line) => line.includes('never calls its listener'));
      expect(new Set(warnings.map((line) => /client\.on\('([\w-]+)'\)/.exec(line)?.[1]))).toEqual(
        new Set([
          'open',
          'upgrade',
          'redirect',
          'unexpected-response',
          'connect',
          'connection',
          'connect_error',
        ]),
      );
      expect(warnings).toHaveLength(7);
    }),
  );

  // Handlers of reserved names are refused when the application starts: see e2e/options-refused.
  const everyName = NAMES.filter((name) => !RESERVED.includes(name)).map(
    (name, index) => [name, `handler${index}`] as const,
  );
  @WebSocketGateway({ path: '/ws' })
  class EveryNameGateway {
    @SubscribeMessage('echo')
    echo(@MessageBody() data: unknown): unknown {
      return data;
    }
  }
  for (const [name, key] of everyName) {
    const value = (data: unknown): unknown => [name, data];
    Object.defineProperty(EveryNameGateway.prototype, key, { value, configurable: true });
    MessageBody()(EveryNameGateway.prototype, key, 0);
    SubscribeMessage(name)(EveryNameGateway.prototype, key, { value });
  }

  it(
    'a handler of any name that is not reserved is called for its own events',
    underAttack(EveryNameGateway)(async ({ attacker }) => {
      const client = await attacker();
      for (const name of NAMES) {
        expect(await client.ask(name, 1)).toMatchObject(
          RESERVED.includes(name) ? { data: { code: 'reserved_event' } } : { event: name, data: [name, 1] },
        );
        expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
      }
    }),
  );

  it(
    'a handler that returns the client’s data cannot be made to emit a reserved name',
    attack(async ({ attacker }) => {
      const client = await attacker();
      for (const name of [...NAMES, '$session', '$']) {
        const data = { event: name, data: name };
        const isKept = RESERVED.includes(name) || name.startsWith('$');
        expect(await client.ask('echo', data, 1)).toEqual(
          isKept ? { event: 'echo', data, ack: 1 } : { ...data, ack: 1 },
        );
        client.frames.length = 0;
        client.send({ event: 'echo', data });
        await client.settled();
        expect(client.frames[0]).toEqual(isKept ? { event: 'echo', data } : data);
      }
    }),
  );

  it(
    'serverSideEmit of other nodes reaches only listeners of its own name',
    attack(async ({ server, app }) => {
      const own = ['connect', 'connection', 'new_namespace', 'newListener', 'removeListener'];
      const received: unknown[] = [];
      for (const name of NAMES)
        if (name !== 'connect') server.on(name, (data) => received.push([name, data]));
      received.length = 0;
      for (const name of [...NAMES, '$presence', '$']) {
        server._onServerSideEmit([name, name]);
        if (own.includes(name) || name.startsWith('$'))
          expect(() => server.serverSideEmit(name, 1)).toThrow(
            coded('ERR_ENVELOPE_RESERVED_EVENT', `"${name}" is a reserved event name`),
          );
        else server.serverSideEmit(name, 1);
      }
      expect(received).toEqual(NAMES.filter((name) => !own.includes(name)).map((name) => [name, name]));
      expect(app.log.of('error')).toEqual([]);
    }),
  );

  it(
    'a client without listeners gets the same answers',
    attack(async ({ attacker, gateway }) => {
      gateway.listening = false;
      const client = await attacker();
      expect(await client.ask('error', 1)).toMatchObject({ event: 'error', data: ['error', 1] });
      expect(await client.ask('ping')).toMatchObject({ data: { code: 'unknown_event' } });
    }),
  );

  it.each(['$session', '$auth2', '$', '$$', '$__proto__', '$upgrade', '$PING', '$ping ', '$offset'])(
    '"%s" is reserved for the protocol',
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

  it(
    'any name works as a room and as an id',
    attack(
      async ({ attacker, server }) => {
        const [ada, bob] = [await attacker(), await attacker()];
        const ids = NAMES.filter((name) => name.length <= 64);
        for (const [index, name] of ids.entries()) {
          expect(await ada.ask('join', name, name)).toEqual({ event: 'join', data: index + 2, ack: name });
          server.to(name).emit('news', name);
          server.except(name).emit('others', name);
          expect(await ada.next('news')).toEqual({ event: 'news', data: name });
          // The witness and Bob receive it, Ada does not.
          expect(await bob.next('others')).toEqual({ event: 'others', data: name });
        }
        await ada.settled();
        expect(ada.frames.some(({ event }) => event === 'others')).toBe(false);
        expect(bob.frames.some(({ event }) => event === 'news')).toBe(false);
        expect(Object.keys(Object.prototype)).toEqual([]);
      },
      ['others'],
    ),
  );

  it('any name works as a path', async () => {
    const app = await startApp({ providers: [NamesGateway, AnyPathGateway] });
    const { server } = app.nest.get(AnyPathGateway);
    for (const name of NAMES) {
      const path = encodeURIComponent(name);
      expect((await requestUpgrade(app.port, `/${path}`)).status).toBe(404);
      const client = await app.connect(`/any/${path}`);
      expect(await client.ask('where')).toMatchObject({ data: `/any/${path}` });
      const child = server.of(`/any/${path}`);
      expect([child.name, child.sockets.size, server.sockets.size]).toEqual([`/any/${path}`, 1, 0]);
      client.close(1000);
    }
  });

  it(
    'payload keys like __proto__ are plain keys',
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
    'an id in flight closes the connection with 4409; 1 and "1" are different ids',
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
    'an id can be reused as soon as it was answered',
    attack(async ({ attacker }) => {
      const client = await attacker();
      for (let i = 0; i < 100; i++) expect((await client.ask('echo', i, 'same')).data).toBe(i);
      expect((await client.ask('unknown', 1, 'same')).data.code).toBe('unknown_event');
      expect((await client.ask('echo', 1, 'same')).data).toBe(1);
    }),
  );

  it(
    'a malformed message with an id in flight is refused without answering that request',
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
