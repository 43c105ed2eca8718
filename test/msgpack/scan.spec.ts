import { isUtf8 } from 'node:buffer';
import { encode } from '@msgpack/msgpack';
import { Refusal } from '../../lib/protocol/envelope.js';
import { scan } from '../../lib/protocol/msgpack/scan.js';
import { MessagePackEncoding } from '../../lib/msgpack/message-pack-encoding.js';
import { Random } from '../support/random.js';

const LIMITS = { maxEventNameLength: 256, maxJsonDepth: 64 };
const encoding = new MessagePackEncoding(100_000);
const decode = (bytes: Uint8Array) => encoding.decode(Buffer.from(bytes), true, LIMITS);
const check = (bytes: Uint8Array, maxValues = 100_000) => scan(bytes, { maxDepth: 64, maxValues }, isUtf8);

/** `{"event":"a","data":<these bytes>}` */
const withData = (...data: number[]): Buffer =>
  Buffer.from([0x82, 0xa5, ...Buffer.from('event'), 0xa1, 0x61, 0xa4, ...Buffer.from('data'), ...data]);
const withField = (name: string, ...value: number[]): Buffer =>
  Buffer.concat([
    Buffer.from([0x82, 0xa5, ...Buffer.from('event'), 0xa1, 0x61, 0xa0 | name.length]),
    Buffer.from(name),
    Buffer.from(value),
  ]);

describe('messages in MessagePack', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a number', Buffer.from([1])],
    ['a list', Buffer.from([0x90])],
    ['two values', Buffer.concat([withData(1), Buffer.from([0xc0])])],
    ['a map that promises more', Buffer.from([0x82, 0xa1, 0x61, 1])],
    ['an array of 2^32 - 1', withData(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['a map of 2^32 - 1', withData(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ['a text of 2^32 - 1', withData(0xdb, 0xff, 0xff, 0xff, 0xff)],
    ['bytes of 2^32 - 1', withData(0xc6, 0xff, 0xff, 0xff, 0xff)],
    ['a length that is cut', withData(0xdd, 0xff)],
    ['a key that is a number', withData(0x81, 1, 1)],
    ['a key that is nil', withData(0x81, 0xc0, 1)],
    ['a key that is bytes', withData(0x81, 0xc4, 1, 0x61, 1)],
    ['a key twice', withData(0x82, 0xa1, 0x61, 1, 0xa1, 0x61, 2)],
    ['a key twice, in two forms', withData(0x82, 0xa1, 0x61, 1, 0xd9, 1, 0x61, 2)],
    ['an extension', withData(0xd4, 1, 0)],
    ['a timestamp', withData(0xd6, 0xff, 0, 0, 0, 0)],
    ['a large extension', withData(0xc7, 1, 1, 0)],
    ['the unused head', withData(0xc1)],
    ['NaN', withData(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0)],
    ['infinity', withData(0xca, 0x7f, 0x80, 0, 0)],
    ['2^53', withData(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0)],
    ['2^64 - 1', withData(0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ['-2^53', withData(0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0)],
    ['a text that is not UTF-8', withData(0xa1, 0xff)],
    ['an overlong form', withData(0xa2, 0xc0, 0xaf)],
    ['a surrogate', withData(0xa3, 0xed, 0xa0, 0x80)],
  ])('are refused with bad_frame: %s', (_, bytes) => {
    expect(check(bytes)).toEqual(expect.any(String));
    expect(decode(bytes)).toMatchObject({ code: 'bad_frame' });
    expect(decode(bytes)).toBeInstanceOf(Refusal);
  });

  it.each<[string, number[]]>([
    ['1.0', [0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
    ['1.0 in 32 bits', [0xca, 0x3f, 0x80, 0, 0]],
    ['nil', [0xc0]],
    ['an empty text', [0xa0]],
  ])('are refused with bad_id: the id %s', (_, value) => {
    expect(decode(withField('id', ...value))).toMatchObject({ code: 'bad_id' });
    expect(decode(withField('ack', ...value))).toMatchObject({ code: 'bad_id' });
  });

  it('have the same id in any form of an integer', () => {
    for (const form of [[5], [0xcc, 5], [0xcd, 0, 5], [0xce, 0, 0, 0, 5], [0xd3, 0, 0, 0, 0, 0, 0, 0, 5]])
      expect(decode(withField('id', ...form))).toMatchObject({ id: 5 });
    expect(decode(withField('id', 0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1))).toMatchObject({
      id: -Number.MAX_SAFE_INTEGER,
    });
  });

  it('have bytes only in payloads', () => {
    expect(decode(withData(0xc4, 2, 1, 2))).toMatchObject({ data: Buffer.from([1, 2]) });
    expect(decode(withField('meta', 0x81, 0xa1, 0x61, 0xc4, 0))).toMatchObject({ code: 'bad_frame' });
    expect(decode(withField('x', 0xc4, 0))).toMatchObject({ code: 'bad_frame' });
  });

  it('return bytes that do not change with the input', () => {
    const input = withData(0xc4, 2, 1, 2);
    const read = decode(input) as { data: Buffer };
    expect(read.data).toBeInstanceOf(Buffer);
    input.fill(0);
    expect([...read.data]).toEqual([1, 2]);
  });

  it('may have the key __proto__, which is an own one', () => {
    const bytes = withData(0x81, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa1, 0x61, 1);
    const { data } = decode(bytes) as { data: object };
    expect(Object.keys(data)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(({} as { a?: unknown }).a).toBeUndefined();
    const list = withData(0x91, 0x81, 0xa9, ...Buffer.from('__proto__'), 0xc4, 1, 7);
    const [item] = (decode(list) as { data: object[] }).data;
    expect(Object.getOwnPropertyDescriptor(item, '__proto__')?.value).toEqual(Buffer.from([7]));
  });

  it('are refused with too_deep as JSON is, also with 100,000 levels', () => {
    const nested = (levels: number): Buffer => withData(...Array.from({ length: levels }, () => 0x91), 0xc0);
    expect(decode(nested(63))).not.toBeInstanceOf(Refusal);
    expect(decode(nested(64))).toMatchObject({ code: 'too_deep' });
    expect(new MessagePackEncoding(1_000_000).decode(nested(100_000), true, LIMITS)).toMatchObject({
      code: 'too_deep',
    });
  });

  it('may have so many values and no more', () => {
    const bytes = withData(0x93, 1, 2, 3);
    // the map, two keys, two values, and three items
    expect(check(bytes, 8)).toEqual(expect.any(Object));
    expect(check(bytes, 7)).toContain('more than 7 values');
  });

  it('cost no memory that a header only promises', () => {
    // each level promises as many items as bytes follow
    const bytes = Buffer.alloc(100_000, 0xdd);
    withData().copy(bytes);
    expect(decode(bytes)).toMatchObject({ code: 'bad_frame' });
  });

  it('are read as they were written: 500 random values', () => {
    const random = new Random(20);
    const text = (): string => random.pick(['', 'a', 'ü€𝄞', 'x'.repeat(40), '__proto__', '\0']);
    const value = (depth: number): unknown => {
      const kind = random.below(depth > 4 ? 6 : 8);
      if (kind === 0) return random.pick([null, true, false]);
      if (kind === 1) return random.below(300) - 150;
      if (kind === 2) return random.pick([0.5, 1e300, 2 ** 32, -(2 ** 40), Number.MAX_SAFE_INTEGER]);
      if (kind < 5) return text();
      if (kind === 5) return Buffer.alloc(random.below(300), random.below(256));
      const items = Array.from({ length: random.below(6) }, () => value(depth + 1));
      return kind === 6 ? items : Object.fromEntries(items.map((item, index) => [`${text()}${index}`, item]));
    };
    for (let round = 0; round < 500; round++) {
      const data = value(0);
      const bytes = encoding.event('a', [data], round % 2 ? undefined : round);
      expect(decode(bytes)).toMatchObject({ event: 'a', data, id: round % 2 ? undefined : round });
    }
  });

  it('cannot bring the reader to throw: 5,000 damaged messages', () => {
    const random = new Random(21);
    const whole = encode({
      event: 'a',
      data: { list: [1, -1, 2 ** 40, 0.5, 'text', null, true], bytes: new Uint8Array(9), deep: [[[{}]]] },
      id: 7,
      meta: { traceparent: 'x' },
    });
    let refused = 0;
    for (let round = 0; round < 5_000; round++) {
      const bytes = Buffer.from(whole);
      for (let change = random.below(4); change >= 0; change--)
        bytes[random.below(bytes.length)] = random.below(256);
      const cut = bytes.subarray(0, bytes.length - (random.below(3) === 0 ? random.below(bytes.length) : 0));
      if (decode(cut) instanceof Refusal) refused++;
    }
    expect(refused).toBeGreaterThan(2_000);
    expect(refused).toBeLessThan(5_000);
  });
});
