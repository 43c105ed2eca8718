import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { decode as decodeByLibrary, encode as encodeByLibrary } from '@msgpack/msgpack';

const page = join(process.cwd(), 'lib/explorer/page');
const load = async <Module>(file: string): Promise<Module> =>
  (await import(pathToFileURL(join(page, file)).href)) as Module;

interface Codec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}
interface Bytes {
  isBytes(value: unknown): boolean;
  toBinary(value: unknown): unknown;
  fromBinary(value: unknown): unknown;
}

const NUMBERS = [
  0,
  1,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  -1,
  -32,
  -33,
  -128,
  -129,
  -32_769,
  -(2 ** 31),
  -(2 ** 31) - 1,
  -(2 ** 53) + 1,
  1.5,
  -0.1,
  1e300,
];
const TEXTS = [0, 1, 31, 32, 255, 256, 65_535, 65_536].map((length) => 'x'.repeat(length));
const LISTS = [0, 15, 16, 65_535, 65_536].map((length) => new Array<number>(length).fill(1));
const MAPS = [0, 15, 16, 65_536].map((size) =>
  Object.fromEntries(Array.from({ length: size }, (_, index) => [`k${index}`, null])),
);
const BYTES = [0, 1, 255, 256, 65_536].map((length) => new Uint8Array(length).fill(7));
const VALUES = [
  ...NUMBERS,
  ...TEXTS,
  ...LISTS,
  ...MAPS,
  ...BYTES,
  null,
  true,
  false,
  'ü€𝄞',
  { a: [{ b: [] }] },
];

describe('MessagePack in the page of the explorer', () => {
  let codec: Codec;
  let bytes: Bytes;
  beforeAll(async () => {
    codec = await load('message-pack.js');
    bytes = await load('bytes.js');
  });

  it('is written as the library reads it', () => {
    for (const value of VALUES) expect(decodeByLibrary(codec.encode(value))).toEqual(value);
    expect(decodeByLibrary(codec.encode({ a: undefined, b: -0 }))).toEqual({ b: -0 });
  });

  it('reads what the library writes, and what it writes itself', () => {
    for (const value of VALUES) {
      expect(codec.decode(encodeByLibrary(value))).toEqual(value);
      expect(codec.decode(codec.encode(value))).toEqual(value);
    }
  });

  it('reads the vectors of PROTOCOL.md, and breaks at none', () => {
    const text = readFileSync(join(process.cwd(), 'test/protocol/vectors/msgpack.json'), 'utf8');
    const { vectors } = JSON.parse(text) as { vectors: { hex: string; verdict: { accepted?: object } }[] };
    for (const { hex, verdict } of vectors) {
      const message = new Uint8Array(Buffer.from(hex, 'hex'));
      if (verdict.accepted !== undefined) expect(codec.decode(message)).toBeInstanceOf(Object);
      else
        try {
          codec.decode(message);
        } catch (error) {
          // also the RangeError of a view or of the stack: `instanceof` knows only the errors of this realm
          expect(String(error)).toMatch(/^\w*Error: /);
        }
    }
  });

  it('reserves nothing that a message promises, and reads __proto__ as a field', () => {
    for (const hex of ['ddffffffff', 'dfffffffff', 'c6ffffffff', 'dbffffffff'])
      expect(() => codec.decode(new Uint8Array(Buffer.from(hex, 'hex')))).toThrow(/bounds|ends within/);
    const value = codec.decode(encodeByLibrary(JSON.parse('{"__proto__":{"a":1}}'))) as object;
    expect(Object.getPrototypeOf(value)).toHaveProperty('hasOwnProperty');
    expect(Reflect.get(value, 'a')).toBeUndefined();
  });

  it('shows bytes as JSON that can be sent again', () => {
    const shown = { file: { $bytes: 'aGVsbG8=' }, list: [{ $bytes: '' }], text: 'aGVsbG8=' };
    const value = bytes.toBinary(shown) as { file: Uint8Array };
    expect([...value.file]).toEqual([...Buffer.from('hello')]);
    expect(bytes.fromBinary(value)).toEqual(shown);
    for (const other of [{ $bytes: '*' }, { $bytes: 'aGVsbG8=', more: 1 }, { $bytes: 1 }, 'aGVsbG8=', null])
      expect([other, bytes.isBytes(other), bytes.toBinary(other)]).toEqual([other, false, other]);
  });
});
