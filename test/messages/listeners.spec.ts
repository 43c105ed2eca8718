import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeServer } from '../../lib/index.js';
import type { TestClient } from '../support/client.js';
import { underAttack, type AttackHarness } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const INTERNAL = { status: 'error', message: 'Internal server error' };

@WebSocketGateway({ path: '/ws' })
class ListeningGateway {
  readonly clients: EnvelopeSocket[] = [];
  readonly reasons: unknown[] = [];
  handled = 0;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }
  handleDisconnect(_client: EnvelopeSocket, reason?: string): void {
    this.reasons.push(reason);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    this.handled++;
    return data;
  }
  @SubscribeMessage('broadcast')
  broadcast(@ConnectedSocket() client: EnvelopeSocket): void {
    client.nsp.emit('news', 1);
  }
}

const attack = underAttack(ListeningGateway);

async function connectClient({
  attacker,
  gateway,
}: AttackHarness<ListeningGateway>): Promise<[TestClient, EnvelopeSocket]> {
  const client = await attacker();
  return [client, gateway.clients.at(-1)!];
}

const throws = (): never => {
  throw new Error('the listener failed');
};
const refuse = (): never => {
  throw new WsException('not you');
};
const rejects = async (): Promise<never> => throws();
const unwritable = Object.assign(new Error('refused'), { data: 1n });

describe('listeners and middlewares that fail', () => {
  expectNoUnhandledErrors();

  it.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('a listener of the client that %s is logged, and the connection stays open', (how, listener) =>
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      socket.on('listened', listener);
      client.send({ event: 'listened' });
      if (how === 'throws')
        expect(await client.next('exception')).toEqual({ event: 'exception', data: INTERNAL });
      await until('a report', () => harness.app.log.of('error').length === 1);
      socket.onAny(listener);
      client.send({ event: 'echo', data: 'x' });
      await until('a report', () => harness.app.log.of('error').length === 2);
      socket.offAny();
      expect(await client.ask('echo', 'y')).toMatchObject({ data: 'y' });
      expect(harness.app.log.of('error').join()).toContain('the listener failed');
    })(),
  );

  it.each([
    ['throws', throws, true],
    ['rejects', rejects, true],
    ['throws a WsException', () => refuse(), false],
    ['rejects with a WsException', async () => refuse(), false],
  ])('a request to a listener that %s is answered once', (_how, listener, isReported) =>
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      socket.on('listened', listener);
      const data = isReported ? INTERNAL : { status: 'error', message: 'not you' };
      expect(await client.ask('listened', 1, 1)).toEqual({ event: 'exception', data, ack: 1 });
      client.send({ event: 'listened' });
      expect(await client.next('exception')).toMatchObject({ data });
      socket.on('answers', async (_data: unknown, ack: (data: string) => void) => {
        ack('answered');
        return listener();
      });
      expect(await client.ask('answers', 1, 2)).toEqual({ event: 'answers', data: 'answered', ack: 2 });
      await client.settled();
      expect(client.frames.filter(({ event }) => event === 'exception')).toHaveLength(2);
      expect(harness.app.log.of('error')).toHaveLength(isReported ? 3 : 0);
      expect(socket._requests.inFlight).toBe(0);
    })(),
  );

  it.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('a connection listener that %s is logged, and the connection closes normally', (_how, listener) =>
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      const events = ['ping', 'pong', 'disconnecting', 'disconnect', 'close'];
      for (const event of events) socket.on(event, listener);
      client.ws.ping();
      client.ws.pong();
      await client.settled();
      client.close(1000);
      await until('handleDisconnect', () => harness.gateway.reasons.length === 1);
      expect(harness.gateway.reasons).toEqual(['client namespace disconnect']);
      await until('the reports', () => harness.app.log.of('error').length === events.length);
    })(),
  );

  it.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('an outgoing listener that %s delays no message', (_how, listener) =>
    attack(
      async (harness) => {
        const [ada, socket] = await connectClient(harness);
        const [bob] = await connectClient(harness);
        socket.onAnyOutgoing(listener);
        bob.send({ event: 'broadcast' });
        for (const client of [ada, bob])
          expect(await client.next('news')).toEqual({ event: 'news', data: 1 });
        expect(socket.emit('direct', 2)).toBe(true);
        expect(await ada.next('direct')).toEqual({ event: 'direct', data: 2 });
        ada.send({ event: 'echo', data: 3 });
        expect(await ada.next('echo')).toEqual({ event: 'echo', data: 3 });
        await ada.settled();
        expect(ada.frames.map(({ event }) => event)).toEqual(['news', 'direct', 'echo', '$ping']);
        await until('the reports', () => harness.app.log.of('error').length === 3);
      },
      ['news'],
    )(),
  );

  it.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('a connection listener of the server that %s still lets clients connect', (_how, listener) =>
    attack(async (harness) => {
      harness.server.on('connection', listener);
      const [client] = await connectClient(harness);
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
      await until('a report', () => harness.app.log.of('error').length === 1);
    })(),
  );

  it.each([
    ['throws', throws],
    ['rejects', rejects],
  ])('a serverSideEmit listener that %s is logged', (_how, listener) =>
    attack(async (harness) => {
      harness.server.on('from a node', listener);
      harness.server._onServerSideEmit(['from a node', 1]);
      await until('a report', () => harness.app.log.of('error').length === 1);
      // Events without a listener, and events that a node may not send, are dropped.
      harness.server._onServerSideEmit(['error', new Error('x')]);
      harness.server._onServerSideEmit(['connection', {}]);
      harness.server._onServerSideEmit([] as unknown as [string]);
      harness.server._onServerSideEmit('garbage' as unknown as [string]);
      harness.server._onServerSideEmit(undefined as unknown as [string]);
    })(),
  );

  const failing: [string, (next: (error?: Error) => void) => unknown, object][] = [
    ['throws', throws, { message: 'the listener failed' }],
    ['rejects', rejects, { message: 'the listener failed' }],
    ['refuses', (next) => next(new Error('refused')), { message: 'refused' }],
    ['refuses later', (next) => setImmediate(next, new Error('refused')), { message: 'refused' }],
    ['refuses with a string', (next) => next('refused' as unknown as Error), { message: 'refused' }],
    [
      'refuses twice',
      (next) => (next(new Error('refused')), next(new Error('again'))),
      { message: 'refused' },
    ],
    ['refuses with data that JSON cannot serialize', (next) => next(unwritable), INTERNAL],
    ['refuses with such data later', (next) => setImmediate(next, unwritable), INTERNAL],
  ];

  it.each(failing)('a message middleware that %s ends only that message', (_how, middleware, payload) =>
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      let isFailing = true;
      socket.use((_event, next) => (isFailing ? middleware(next) : next()) as void);
      socket.on('error', () => undefined);
      const failure = { event: 'exception', data: { status: 'error', ...payload } };
      expect(await client.ask('echo', 1, 1)).toEqual({ ...failure, ack: 1 });
      client.send({ event: 'echo', data: 1 });
      expect(await client.next('exception')).toEqual(failure);
      isFailing = false;
      expect(await client.ask('echo', 2, 1)).toEqual({ event: 'echo', data: 2, ack: 1 });
      expect(harness.gateway.handled).toBe(1);
    })(),
  );

  it(
    'a message middleware may drop a message, call next twice, or change the event',
    attack(async (harness) => {
      const [client, socket] = await connectClient(harness);
      socket.use((event, next) => {
        const [name] = event;
        if (name === 'swallow') return;
        if (name === 'twice') {
          event.splice(0, 2, 'echo', 'once');
          next();
          return next();
        }
        if (name === 'empty') event.length = 0;
        if (name === 'odd') event[0] = { toString: 1 } as unknown as string;
        next();
      });
      for (let id = 0; id < 100; id++) client.send({ event: 'swallow', id });
      client.send({ event: 'twice', id: 't' });
      expect(await client.answer('t')).toMatchObject({ data: 'once' });
      expect(harness.gateway.handled).toBe(1);
      expect((await client.ask('empty', 1)).data.code).toBe('unknown_event');
      expect((await client.ask('odd', 1)).data.code).toBe('unknown_event');
      expect(socket._requests?.size).toBe(100);
      client.ws.terminate();
      await until('handleDisconnect', () => harness.gateway.reasons.length === 1);
      expect(socket._requests.size).toBe(0);
    }),
  );

  it.each(failing)(
    'a connection middleware that %s refuses the client and leaves no resources',
    (_how, middleware, payload) =>
      attack(async (harness) => {
        let isFailing = true;
        harness.server.use((_socket, next) => (isFailing ? middleware(next) : next()) as void);
        const client = await harness.attacker();
        client.send({ event: 'echo' });
        expect(await client.next('exception')).toMatchObject({ data: { status: 'error', ...payload } });
        expect((await client.ended()).code).toBe(1008);
        isFailing = false;
        const [other] = await connectClient(harness);
        expect(await other.ask('echo', 1)).toMatchObject({ data: 1 });
        expect(harness.gateway.reasons).toEqual([]);
      })(),
  );

  it(
    'a connection middleware that never calls next holds a client until its disconnect',
    underAttack(ListeningGateway)(async (harness) => {
      const seen: EnvelopeSocket[] = [];
      harness.server.use((socket) => void seen.push(socket as EnvelopeSocket));
      const client = await harness.attacker();
      await until('the middleware', () => seen.length === 1);
      await seen[0]!.join('early');
      client.ws.terminate();
      await until('the disconnect', () => seen[0]!.closed !== undefined);
      expect(harness.server.adapter.rooms.has('early')).toBe(false);
      expect(harness.app.log.of('error')).toEqual([]);
      expect((harness.server as EnvelopeServer)._connecting.size).toBe(0);
    }),
  );

  it(
    'a connection middleware that never calls next holds a client until connectTimeout',
    underAttack(ListeningGateway, { connectTimeout: 200 })(async (harness) => {
      harness.server.use((socket) => void (socket as EnvelopeSocket).join('early'));
      const client = await harness.attacker();
      expect(await client.ended()).toEqual({ code: 1011, reason: 'connectTimeout' });
      expect(harness.server.adapter.rooms.has('early')).toBe(false);
      expect(harness.app.log.of('error')).toHaveLength(1);
      expect((harness.server as EnvelopeServer)._connecting.size).toBe(0);
    }),
  );

  it.each([99, 1004, 1005, 1006, 1015, 2999, 5000, 1.5, NaN, '1000'])(
    'closing with %j throws, and leaves the connection open',
    (code) =>
      attack(async (harness) => {
        const [client, socket] = await connectClient(harness);
        expect(() => socket.close(code as number, 'x')).toThrow(TypeError);
        expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
        socket.close(4999, '€'.repeat(100));
        expect(await client.ended()).toEqual({ code: 4999, reason: '€'.repeat(41) });
      })(),
  );
});
