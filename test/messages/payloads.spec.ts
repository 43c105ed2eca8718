import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { of } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { underAttack } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

const circular: { self?: unknown } = {};
circular.self = circular;

/** Values that JSON cannot serialize. */
const UNSERIALIZABLE: Record<string, unknown> = {
  bigint: 1n,
  'a bigint inside': { deep: [{ value: 2n }] },
  circular,
  toJSON: {
    toJSON: () => {
      throw new Error('toJSON failed');
    },
  },
  'a toJSON that throws nothing': {
    toJSON: () => {
      throw undefined;
    },
  },
  getter: {
    get value(): never {
      throw new Error('the getter failed');
    },
  },
  proxy: new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('the proxy failed');
      },
    },
  ),
};

/** Values that JSON converts, and the data that arrives. */
const CONVERTED: Record<string, [value: unknown, data: unknown]> = {
  date: [new Date(0), '1970-01-01T00:00:00.000Z'],
  'minus zero': [-0, 0],
  'a boxed string': [Object('s'), 's'],
  'no prototype': [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  'a lone surrogate': ['\ud83d', '\ud83d'],
  'line separators': ['\u2028\u2029\u0000', '\u2028\u2029\u0000'],
  'a list with holes': [Object.assign(new Array<number>(2), { 1: 1 }), [null, 1]],
  'an object with a wrong event': [{ event: 1 }, { event: 1 }],
  'an event and more': [
    { event: 'x', data: 1, id: 2 },
    { event: 'x', data: 1, id: 2 },
  ],
  'an empty event': [{ event: '' }, { event: '' }],
};

@WebSocketGateway({ path: '/ws' })
class PayloadGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('size')
  size(@MessageBody() data: object): number {
    return Object.keys(data).length;
  }
  @SubscribeMessage('unserializable')
  unserializable(@MessageBody() name: string): unknown {
    return UNSERIALIZABLE[name];
  }
  @SubscribeMessage('unserializable late')
  async late(@MessageBody() name: string): Promise<unknown> {
    return UNSERIALIZABLE[name];
  }
  @SubscribeMessage('unserializable event')
  event(@MessageBody() name: string): unknown {
    return { event: 'other', data: UNSERIALIZABLE[name] };
  }
  @SubscribeMessage('unserializable source')
  source(@MessageBody() name: string): unknown {
    return of(UNSERIALIZABLE[name], 'after');
  }
  @SubscribeMessage('unserializable generator')
  async *generator(@MessageBody() name: string): AsyncGenerator<unknown> {
    yield 'before';
    yield UNSERIALIZABLE[name];
  }
  @SubscribeMessage('unserializable exception')
  exception(@MessageBody() name: string): void {
    throw new WsException({ status: 'error', value: UNSERIALIZABLE[name] });
  }
  @SubscribeMessage('unserializable emit')
  emit(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() name: string): void {
    client.emit('other', UNSERIALIZABLE[name]);
  }
  @SubscribeMessage('unserializable broadcast')
  broadcast(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() name: string): void {
    client.nsp.emit('other', UNSERIALIZABLE[name]);
  }
  @SubscribeMessage('converted')
  converted(@MessageBody() name: string): unknown {
    return CONVERTED[name]![0];
  }
  @SubscribeMessage('refuse')
  refuse(): void {
    throw new WsException('no');
  }
}

const attack = underAttack(PayloadGateway);
const INTERNAL = { status: 'error', message: 'Internal server error' };
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('hostile payloads', () => {
  expectNoUnhandledErrors();

  it(
    'reads JSON nested 100,000 deep with maxJsonDepth: false, and fails only the request whose answer is unserializable',
    underAttack(PayloadGateway, { limits: { maxJsonDepth: false } })(async ({ attacker, expectServed }) => {
      const client = await attacker();
      client.send(`{"event":"size","id":1,"data":${nested(100_000)}}`);
      expect(await client.answer(1)).toMatchObject({ event: 'size', data: 1 });
      client.send(`{"event":"echo","id":2,"data":${nested(100_000)}}`);
      expect(await client.answer(2)).toEqual({ event: 'exception', data: INTERNAL, ack: 2 });
      client.send(`{"event":"echo","data":${nested(100_000)}}`);
      expect(await client.next('exception')).toEqual({ event: 'exception', data: INTERNAL });
      // Nest's filter puts the payload into "cause", which cannot be serialized either.
      client.send(`{"event":"refuse","id":3,"data":${nested(100_000)}}`);
      expect(await client.answer(3)).toMatchObject({ event: 'exception', data: { status: 'error' } });
      client.send(`{"event":"refuse","data":${nested(100_000)}}`);
      expect(await client.next('exception')).toMatchObject({ data: { status: 'error' } });
      client.send(`{"event":"unknown","id":4,"data":${nested(100_000)}}`);
      expect((await client.answer(4)).data.code).toBe('unknown_event');
      client.send(`{"event":"echo","id":5,"meta":${'{"a":'.repeat(99_999)}1${'}'.repeat(99_999)}}`);
      expect(await client.answer(5)).toEqual({ event: 'echo', ack: 5 });
      await expectServed();
      expect(await client.ask('echo', 1)).toMatchObject({ data: 1 });
    }),
  );

  it(
    'refuses JSON nested deeper than maxJsonDepth, and ignores brackets in strings',
    attack(async ({ attacker, expectServed }) => {
      const client = await attacker();
      for (const [id, deep] of [nested(64), nested(100_000), `{"a":${nested(63)}}`].entries()) {
        client.send(`{"event":"size","id":${id},"data":${deep}}`);
        expect(await client.answer(id)).toMatchObject({
          event: 'exception',
          data: { status: 'error', code: 'too_deep' },
        });
      }
      client.send(`{"event":"size","data":${nested(64)}}`);
      expect((await client.next('exception')).data.code).toBe('too_deep');
      client.send(`{"event":"size","id":"good","data":${nested(63)}}`);
      expect(await client.answer('good')).toMatchObject({ event: 'size', data: 1 });
      const brackets = JSON.stringify(['[{"\\'.repeat(1_000), ...Array<number[]>(1_000).fill([])]);
      client.send(`{"event":"size","id":"wide","data":${brackets}}`);
      expect(await client.answer('wide')).toMatchObject({ event: 'size', data: 1_001 });
      await expectServed();
    }),
  );

  it(
    'reads a million keys, and writes 100,000',
    underAttack(PayloadGateway, { maxPayload: 20_000_000 })(async ({ attacker }) => {
      // V8 takes seconds to parse them.
      const client = await attacker({ timeout: 25_000 });
      const keys = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join(',')}}`;
      const million = keys(1_000_000);
      client.send(`{"event":"size","id":1,"data":${million}}`);
      expect((await client.answer(1)).data).toBe(1_000_000);
      client.send(`{"event":"size","id":2,"data":{},${million.slice(1)}`);
      expect((await client.answer(2)).data).toBe(0);
      const data = keys(100_000);
      client.send(`{"event":"echo","id":3,"data":${data}}`);
      expect(Object.keys((await client.answer(3)).data)).toHaveLength(100_000);
      client.send(`{"event":"echo","data":${data}}`);
      expect(Object.keys((await client.next('echo')).data)).toHaveLength(100_000);
    }),
  );

  it.each(Object.keys(UNSERIALIZABLE))('fails a handler that returns an unserializable value: %s', (name) =>
    attack(async ({ attacker, app }) => {
      const client = await attacker();
      const failure = { event: 'exception', data: expect.objectContaining(INTERNAL) };
      for (const event of ['', ' late', ' event', ' source', ' exception', ' emit', ' broadcast']) {
        expect([event, await client.ask(`unserializable${event}`, name, 1)]).toEqual([
          event,
          { ...failure, ack: 1 },
        ]);
        client.send({ event: `unserializable${event}`, data: name });
        expect([event, await client.next('exception')]).toEqual([event, failure]);
      }
      client.send({ event: 'unserializable generator', data: name, id: 2, stream: true });
      expect(await client.answer(2)).toMatchObject({ data: 'before', more: true });
      expect(await client.answer(2)).toEqual({ ...failure, ack: 2 });
      expect(JSON.stringify(client.frames)).not.toContain(' failed');
      expect(app.log.of('error').length).toBeGreaterThan(0);
      // Each request got one final answer.
      await client.settled();
      expect(client.frames.filter(({ ack }) => ack === 1)).toHaveLength(7);
      expect(client.frames.filter(({ ack }) => ack === 2)).toHaveLength(2);
    })(),
  );

  it.each(Object.keys(CONVERTED))('sends values as JSON converts them: %s', (name) =>
    attack(async ({ attacker }) => {
      const client = await attacker();
      const data = CONVERTED[name]![1];
      const value = data === undefined ? {} : { data };
      expect(await client.ask('converted', name, 1)).toEqual({ event: 'converted', ...value, ack: 1 });
      client.send({ event: 'converted', data: name });
      expect(await client.next('converted')).toEqual({ event: 'converted', ...value });
    })(),
  );

  it(
    'returns any text unchanged',
    attack(async ({ attacker }) => {
      const client = await attacker();
      const texts = [
        '',
        '\u0000',
        '"\\\n',
        '\ud83d',
        '\udc00\ud800',
        'ü€😀',
        'x'.repeat(900_000),
        '€'.repeat(300_000),
      ];
      for (const text of texts) {
        const answer = await client.ask('echo', text);
        expect(answer.data === text).toBe(true);
      }
    }),
  );

  it(
    'is not affected by a polluted Object.prototype',
    attack(
      async ({ attacker, server }) => {
        const client = await attacker();
        const polluted = {
          ...{
            event: 'close',
            id: 'polluted',
            ack: 'polluted',
            stream: true,
            more: true,
            meta: { token: 1 },
          },
          ...{ data: 'polluted', message: 'polluted', status: 'polluted', code: 'polluted' },
        };
        const add = (key: string, value: unknown) =>
          Object.defineProperty(Object.prototype, key, {
            value,
            configurable: true,
            writable: true,
            enumerable: false,
          });
        for (const [key, value] of Object.entries(polluted)) add(key, value);
        try {
          client.ws.send('{"event":"echo"}');
          client.ws.send('{"event":"echo","data":{"own":1},"id":1}');
          client.ws.send('{"data":1}');
          client.ws.send('{}');
          client.ws.send('{"event":"unknown"}');
          client.ws.send('{"event":"converted","data":"an object with a wrong event","id":2}');
          server.emit('news', { own: 2 });
          client.ws.send('{"event":"$ping","id":3}');
          client.ws.send('{"event":"$ping","id":4}');
          await client.until('all answers', () =>
            client.frames.some((frame) => Object.hasOwn(frame, 'ack') && frame.ack === 4),
          );
        } finally {
          for (const key of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, key);
        }
        const texts = client.frames.map((frame) => JSON.stringify(frame));
        expect(texts.sort()).toEqual(
          [
            '{"event":"news","data":{"own":2}}',
            '{"event":"echo","data":{"own":1},"ack":1}',
            '{"event":"exception","data":{"status":"error","code":"bad_event","message":"event must be a non-empty string"}}',
            '{"event":"exception","data":{"status":"error","code":"bad_event","message":"event must be a non-empty string"}}',
            '{"event":"exception","data":{"status":"error","code":"unknown_event","message":"no handler takes \\"unknown\\""}}',
            '{"event":"converted","data":{"event":1},"ack":2}',
            '{"event":"$ping","ack":3}',
            '{"event":"$ping","ack":4}',
          ].sort(),
        );
      },
      ['news'],
    ),
  );
});
