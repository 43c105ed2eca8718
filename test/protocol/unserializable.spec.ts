import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { firstValueFrom, of } from 'rxjs';
import { connect, type ClientSocket } from '../../lib/client/node.js';
import { EnvelopeServer, EnvelopeSocket, type Untyped } from '../../lib/index.js';
import { EnvelopeClient, EnvelopeTransport } from '../../lib/microservices/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import { SERIALIZABLE, UNSERIALIZABLE } from '../support/unserializable.js';

const values: readonly unknown[] = UNSERIALIZABLE.map(([, make]) => make());

@WebSocketGateway({ path: '/ws' })
class SendingGateway {
  @WebSocketServer() server!: EnvelopeServer;
  client!: EnvelopeSocket;
  handleConnection(client: EnvelopeSocket): void {
    this.client = client;
  }
  @SubscribeMessage('returned')
  returned(@MessageBody() index: number): unknown {
    return values[index];
  }
  @SubscribeMessage('resolved')
  async resolved(@MessageBody() index: number): Promise<unknown> {
    return { event: 'resolved', data: [values[index]] };
  }
  @SubscribeMessage('acknowledged')
  acknowledged(@MessageBody() index: number, @Ack() ack: (value: unknown) => void): void {
    ack({ a: values[index] });
  }
  @SubscribeMessage('observable')
  observable(@MessageBody() index: number): unknown {
    return of({ value: values[index] });
  }
  @SubscribeMessage('generated')
  async *generated(@MessageBody() index: number): AsyncGenerator<unknown> {
    yield { value: values[index] };
  }
  @SubscribeMessage('thrown')
  thrown(@MessageBody() index: number): void {
    throw new WsException({ value: values[index] });
  }
  @SubscribeMessage('emits')
  emits(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() index: number): void {
    client.emit('out', values[index]);
  }
  @SubscribeMessage('ask')
  async ask(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() name: string): Promise<string> {
    return client
      .timeout(5_000)
      .emitWithAck(name)
      .then(JSON.stringify, (error: Error) => error.message);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('carried')
  carried(@MessageBody() index: number): unknown {
    return { event: 'carried', data: SERIALIZABLE[index]![1] };
  }
}

@Controller()
class Patterns {
  @MessagePattern('pattern')
  pattern(index: number): unknown {
    return { value: values[index] };
  }
  @MessagePattern('same')
  same(data: unknown): unknown {
    return data;
  }
}

let app: TestApp;
let gateway: SendingGateway;
let socket: ClientSocket;
let proxy: EnvelopeClient;

async function start(): Promise<void> {
  app = await startSharedApp(
    { providers: [SendingGateway], controllers: [Patterns] },
    { adapter: { limits: { messagesPerSecond: false } } },
  );
  app.nest.connectMicroservice({ strategy: new EnvelopeTransport(app.adapter, { path: '/rpc' }) });
  await app.nest.startAllMicroservices();
  gateway = app.nest.get(SendingGateway);
  socket = connect(app.url('/ws'));
  proxy = new EnvelopeClient({ url: app.url('/rpc') });
  await socket.emitWithAck('echo', 1);
  await firstValueFrom(proxy.send('same', 1));
}

async function stop(): Promise<void> {
  socket.disconnect();
  proxy.close();
  await app.close();
}

/** Returns the message of the TypeError that the call throws or rejects with. */
async function refusalOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return error instanceof TypeError ? error.message : `no TypeError: ${String(error)}`;
  }
  return 'nothing';
}

const AT_THE_CALL: Record<string, (value: unknown) => unknown> = {
  'client.emit': (value) => gateway.client.emit('out', value),
  'client.emit, a callback': (value) => gateway.client.emit('out', value, () => undefined),
  'client.emitWithAck': (value) => gateway.client.emitWithAck('out', value),
  'client.timeout().emitWithAck': (value) => gateway.client.timeout(100).emitWithAck('out', value),
  'client.volatile.emit': (value) => gateway.client.volatile.emit('out', value),
  'client.broadcast.emit': (value) => gateway.client.broadcast.emit('out', value),
  'server.emit': (value) => gateway.server.emit('out', value),
  'server.to().emit': (value) => gateway.server.to('nobody').emit('out', value),
  'server.emitWithAck': (value) => gateway.server.emitWithAck('out', value),
  'server.serverSideEmit': (value) => gateway.server.serverSideEmit('out', value),
  'server.serverSideEmitWithAck': (value) => gateway.server.serverSideEmitWithAck('out', value),
  'a socket of fetchSockets': async (value) => (await gateway.server.fetchSockets())[0]!.emit('out', value),
  'socket.emit': (value) => socket.emit('out', value),
  'socket.emit, a callback': (value) => socket.emit('out', value, () => undefined),
  'socket.emitWithAck': (value) => socket.emitWithAck('out', value),
  'socket.timeout().emit': (value) => socket.timeout(100).emit('out', value),
  'socket.volatile.emit': (value) => socket.volatile.emit('out', value),
  'socket.stream': (value) => socket.stream('out', value),
};

describe('a payload', () => {
  beforeAll(start);
  afterAll(stop);

  describe('a value that JSON cannot carry', () => {
    it.each(UNSERIALIZABLE)(
      'throws at the call with the event, the position and the type: %s',
      async (...row) => {
        const [, make, place, kind] = row;
        const value = make();
        const text = `"out" cannot be sent: ${place} is ${kind}, which JSON cannot carry: `;
        for (const [way, call] of Object.entries(AT_THE_CALL)) {
          expect([way, await refusalOf(() => call(value))]).toEqual([way, expect.stringContaining(text)]);
        }
        const list = await refusalOf(() => gateway.client.emit('out', 1, value));
        expect(list).toContain(`"out" cannot be sent: data[1]${place.slice('data'.length)} is ${kind}`);
        expect(
          await refusalOf(() => gateway.server.presence.track(gateway.client, 'ada', { value })),
        ).toContain(`meta.value${place.slice('data'.length)} is ${kind}`);
        expect(await refusalOf(() => firstValueFrom(proxy.send('same', { value })))).toContain(
          `"same" cannot be sent: payload.value${place.slice('data'.length)} is ${kind}`,
        );
        expect(await refusalOf(() => firstValueFrom(proxy.emit('same', { value })))).toContain(
          'payload.value',
        );
      },
    );

    it.each(UNSERIALIZABLE.map((row, index) => [row[0], index] as const))(
      'turns an answer into an internal error, and the log names the event and the position: %s',
      async (_, index) => {
        const [, , place, kind] = UNSERIALIZABLE[index]!;
        const client = await app.connect('/ws');
        const inside = place.slice('data'.length);
        const expected: Record<string, string> = {
          returned: place,
          resolved: `data[0]${inside}`,
          acknowledged: `data.a${inside}`,
          observable: `data.value${inside}`,
          generated: `data.value${inside}`,
          thrown: `data.value${inside}`,
          emits: place,
        };
        for (const [event, at] of Object.entries(expected)) {
          app.log.lines.length = 0;
          const failure = { event: 'exception', data: { status: 'error', message: 'Internal server error' } };
          expect([event, await client.ask(event, index, 1)]).toMatchObject([event, { ...failure, ack: 1 }]);
          client.send({ event, data: index });
          expect([event, await client.next('exception')]).toMatchObject([event, failure]);
          const log = app.log.of('error').join('\n');
          // The log shows the same error five times a minute and then only counts it.
          if (log === '' && index > 1) continue;
          expect([event, log]).toEqual([event, expect.stringContaining(`"${event}"`)]);
          expect(log).toContain(`${at} is ${kind}, which JSON cannot carry`);
          if (event === 'emits') expect(log).toContain('"out" cannot be sent');
        }
        client.ws.terminate();
      },
    );

    it.each(UNSERIALIZABLE)(
      'turns an answer of the client into an exception and reports it to the listener: %s',
      async (...row) => {
        const [name, make, place, kind] = row;
        const value = make();
        const thrown: unknown[] = [];
        socket.on(`returns ${name}`, () => ({ value }));
        socket.on(`calls ${name}`, (answer: (value: unknown) => void) => {
          queueMicrotask(() => {
            try {
              answer({ value });
            } catch (error) {
              thrown.push(error);
            }
          });
        });
        for (const way of ['returns', 'calls']) {
          const answered = await socket.emitWithAck('ask', `${way} ${name}`);
          expect(answered).toContain(`data.value${place.slice('data'.length)} is ${kind}`);
        }
        expect(thrown).toEqual([expect.any(TypeError)]);
      },
    );

    it.each(UNSERIALIZABLE)('turns an answer of a microservice into an error: %s', async (...row) => {
      const index = UNSERIALIZABLE.findIndex(([name]) => name === row[0]);
      const error: unknown = await firstValueFrom(proxy.send('pattern', index)).catch((e: unknown) => e);
      expect(error).toMatchObject({ status: 'error', message: 'Internal server error' });
    });

    it('is rejected in credentials', async () => {
      const otherClient = connect(app.url('/ws'), {
        auth: { key: new Uint8Array(1) } as never,
        reconnection: false,
      });
      const error = await new Promise<Error>((resolve) => otherClient.on('connect_error', resolve));
      expect(error.message).toContain('auth.key is a Uint8Array, which JSON cannot carry');
    });

    it('is not sent and does not prevent other messages', async () => {
      const client = await app.connect('/ws');
      expect(() => gateway.server.emit('out', NaN)).toThrow(TypeError);
      gateway.server.emit('after', 1);
      expect(await client.next('after')).toEqual({ event: 'after', data: 1 });
      expect(client.frames.map(({ event }) => event)).toEqual(['after']);
    });

    it('is accepted if the application defines toJSON for its type', async () => {
      const bigint = BigInt.prototype as Untyped;
      const map = Map.prototype as Untyped;
      bigint.toJSON = function () {
        return String(this);
      };
      map.toJSON = function () {
        return [...this];
      };
      try {
        const client = await app.connect('/ws');
        gateway.server.emit('converted', { n: 1n, m: new Map([[1, 2]]) });
        expect((await client.next('converted')).data).toEqual({ n: '1', m: [[1, 2]] });
      } finally {
        delete bigint.toJSON;
        delete map.toJSON;
      }
    });

    it('does not include enumerable properties of Object.prototype', async () => {
      (Object.prototype as Untyped).polluted = () => 1;
      try {
        expect(await socket.emitWithAck('echo', { a: [{}] })).toEqual({ a: [{}] });
      } finally {
        delete (Object.prototype as Untyped).polluted;
      }
    });
  });

  it.each(SERIALIZABLE)(
    'with a value that JSON converts arrives as JSON writes it: %s',
    async (name, value, data) => {
      const index = SERIALIZABLE.findIndex(([other]) => other === name);
      const client = await app.connect('/ws');
      expect(await client.ask('carried', index, 1)).toEqual({ event: 'carried', data, ack: 1 });
      gateway.server.emit('sent', value);
      expect((await client.next('sent')).data).toEqual(data);
      expect(await socket.emitWithAck('echo', value)).toEqual(data);
    },
  );
});
