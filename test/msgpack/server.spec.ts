import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { messagePack } from '../../lib/msgpack/index.js';
import { startApp, startSharedApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { MSGPACK, PackedClient } from './client.js';

const asBuffer = (value: unknown): Buffer => Buffer.from(value as Uint8Array);

@WebSocketGateway({ path: '/packed' })
class PackedGateway {
  @WebSocketServer() server!: EnvelopeServer;
  seen: unknown;

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    this.seen = data;
    return data;
  }
  @SubscribeMessage('count')
  async *count(@MessageBody() bytes: Buffer): AsyncGenerator<Buffer> {
    for (let length = 1; length <= bytes.length; length++) yield bytes.subarray(0, length);
  }
  @SubscribeMessage('fail')
  fail(): never {
    throw new WsException({ bytes: Buffer.from([1]) });
  }
  @SubscribeMessage('enter')
  async enter(@ConnectedSocket() client: EnvelopeSocket): Promise<void> {
    await client.join('room');
  }
  @SubscribeMessage('say')
  say(@MessageBody() data: unknown): void {
    this.server.to('room').emit('said', data);
  }
  @SubscribeMessage('ask')
  ask(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() data: unknown): Promise<unknown> {
    return client.timeout(4_000).emitWithAck('question', data);
  }
  @SubscribeMessage('map')
  map(): unknown {
    return new Map();
  }
}

class EarlyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.emit('early', Buffer.from([9]));
    return client.handshake.auth['token'] !== 'bad';
  }
}

@UseGuards(EarlyGuard)
@WebSocketGateway({ path: '/guarded', handleProtocols: () => 'envelope.v1' })
class GuardedGateway {}

describe('clients of envelope.v1+msgpack', () => {
  let app: TestApp;
  const clients: (PackedClient | TestClient)[] = [];
  beforeAll(async () => {
    app = await startSharedApp(
      { providers: [PackedGateway, GuardedGateway] },
      { adapter: { encodings: [messagePack()], recovery: true } },
    );
  });
  afterEach(() => clients.splice(0).forEach(({ ws }) => ws.terminate()));
  afterAll(() => app.close());

  const packed = async (path = '/packed', protocols?: string[]): Promise<PackedClient> => {
    const client = new PackedClient(app.url(path), protocols);
    clients.push(client);
    await client.next('$session');
    return client;
  };
  const plain = async (): Promise<TestClient> => {
    const client = await app.connect('/packed', { protocols: ['envelope.v1'] });
    clients.push(client);
    return client;
  };

  it('are selected where the client offers it first, and not where it offers it second', async () => {
    expect((await packed()).ws.protocol).toBe(MSGPACK);
    const second = await packed('/packed', ['envelope.v1', MSGPACK]);
    expect(second.ws.protocol).toBe('envelope.v1');
    second.ws.send('{"event":"echo","data":1,"id":1}');
    expect(await second.answer(1)).toEqual({ event: 'echo', data: 1, ack: 1 });
  });

  it('send and receive bytes anywhere in a payload', async () => {
    const client = await packed();
    const data = { list: [new Uint8Array([1, 2]), 'text', 1.5], deep: { bytes: Buffer.from('ü') } };
    const { data: back } = await client.ask('echo', data, 1);
    expect([asBuffer(back.list[0]), back.list[1], back.list[2]]).toEqual([Buffer.from([1, 2]), 'text', 1.5]);
    expect(asBuffer(back.deep.bytes).toString()).toBe('ü');
    const { seen } = app.nest.get(PackedGateway);
    expect((seen as typeof data).deep.bytes).toBeInstanceOf(Buffer);
  });

  it('receive answers, streams and exceptions with bytes', async () => {
    const client = await packed();
    client.send({ event: 'count', data: Buffer.from([7, 8]), id: 's', stream: true });
    const values = [await client.answer('s'), await client.answer('s'), await client.answer('s')];
    expect(values.map(({ data, more }) => [data && [...data], more])).toEqual([
      [[7], true],
      [[7, 8], true],
      [undefined, undefined],
    ]);
    const { event, data } = await client.ask('fail', null, 2);
    expect([event, asBuffer(data.bytes)]).toEqual(['exception', Buffer.from([1])]);
  });

  it('are asked by the server, and answer with bytes', async () => {
    const client = await packed();
    client.send({ event: 'ask', data: new Uint8Array([3]), id: 'ask' });
    const { id, data } = await client.next('question');
    client.send({ ack: id, data: { got: data } });
    expect(asBuffer((await client.answer('ask')).data.got)).toEqual(Buffer.from([3]));
  });

  it('share rooms with JSON clients, which receive bytes as base64 text', async () => {
    const [one, two] = [await packed(), await packed()];
    const json = await plain();
    for (const client of [one, two]) await client.ask('enter', null, 'e');
    await json.ask('enter');
    one.send({ event: 'say', data: { bytes: new Uint8Array([255]), text: 'hi' } });
    for (const client of [one, two]) {
      const { data } = await client.next('said');
      expect([asBuffer(data.bytes), data.text]).toEqual([Buffer.from([255]), 'hi']);
    }
    expect((await json.next('said')).data).toEqual({ bytes: '/w==', text: 'hi' });
    json.send({ event: 'say', data: { $bin: '/w' } });
    expect((await one.next('said')).data).toEqual({ $bin: '/w' });
  });

  it('share one frame: a broadcast is written once for each encoding', async () => {
    const all = [await packed(), await packed(), await packed()];
    const json = await plain();
    for (const client of all) await client.ask('enter', null, 'e');
    await json.ask('enter');
    let written = 0;
    const { server } = app.nest.get(PackedGateway);
    const value = {
      toJSON() {
        written++;
        return 'value';
      },
    };
    server.to('room').emit('said', value);
    for (const client of all) expect((await client.next('said')).data).toBe('value');
    expect((await json.next('said')).data).toBe('value');
    // once for each encoding, and once for the log of the recovery
    expect(written).toBe(3);
  });

  it('get an exception for what is not one map, and keep their connection', async () => {
    const client = await packed();
    client.ws.send('{"event":"echo","data":1,"id":1}');
    expect((await client.next('exception')).data).toMatchObject({ code: 'bad_frame' });
    client.ws.send(Buffer.from('{"event":"echo"}'));
    expect((await client.next('exception')).data).toMatchObject({ code: 'bad_frame' });
    client.ws.send(Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]));
    expect((await client.next('exception')).data).toMatchObject({ code: 'bad_frame' });
    expect((await client.ask('echo', 1, 1)).data).toBe(1);
    for (let times = 0; times < 10; times++) client.ws.send(Buffer.from([1]));
    expect(await client.ended()).toBe(1008);
  });

  it('get no value that neither encoding can carry', async () => {
    const client = await packed();
    const answer = await client.ask('map', null, 1);
    expect([answer.event, answer.data.message]).toEqual(['exception', 'Internal server error']);
  });

  it('receive in their encoding what a guard emits, also where handleProtocols decides', async () => {
    const client = await packed('/guarded');
    expect(client.ws.protocol).toBe(MSGPACK);
    expect(asBuffer((await client.next('early')).data)).toEqual(Buffer.from([9]));
  });

  it('recover their session, with bytes that were missed, in either encoding', async () => {
    const sender = await packed();
    const cut = await packed();
    const session = cut.messages[0]!.data.session as string;
    await cut.ask('enter', null, 'e');
    sender.send({ event: 'say', data: 'before' });
    await cut.next('said');
    const { offset } = cut;
    cut.ws.terminate();
    await cut.ended();
    sender.send({ event: 'say', data: { bytes: Buffer.from([1, 2, 3]) } });
    sender.send({ event: 'say', data: 'plain' });
    await sender.ask('echo', null, 'done');
    const auth = (token: string, at: string | undefined): string =>
      `envelope.auth.${Buffer.from(JSON.stringify({ session: token, offset: at })).toString('base64url')}`;
    const back = await packed('/packed', [MSGPACK, auth(session, offset)]);
    const first = back.messages[0]!.data;
    expect(first.recovered).toBe(true);
    expect(asBuffer((await back.next('said')).data.bytes)).toEqual(Buffer.from([1, 2, 3]));
    expect((await back.next('said')).data).toBe('plain');
    const { offset: last } = back;
    expect(last).not.toBe(offset);
    back.ws.terminate();
    await back.ended();
    sender.send({ event: 'say', data: { bytes: Buffer.from([4]) } });
    await sender.ask('echo', null, 'again');
    const json = await packed('/packed', ['envelope.v1', auth(first.session as string, last)]);
    expect(json.messages[0]!.data.recovered).toBe(true);
    expect((await json.next('said')).data).toEqual({ bytes: 'BA==' });
  });

  it('are not selected without the option', async () => {
    const other = await startApp({ providers: [PackedGateway] });
    const client = new PackedClient(other.url('/packed'));
    clients.push(client);
    await client.next('$session');
    expect(client.ws.protocol).toBe('envelope.v1');
  });
});

describe('messagePack()', () => {
  it('refuses wrong options', () => {
    expect(() => messagePack({ maxValues: 0 })).toThrow(
      'messagePack: maxValues is 0: it takes a whole number from 1 on',
    );
    expect(() => messagePack({ values: 1 } as object)).toThrow('messagePack: unknown option "values"');
  });
});
