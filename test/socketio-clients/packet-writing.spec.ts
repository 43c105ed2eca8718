import { PacketEncoding } from '../../lib/socketio/packet-encoding.js';
import { coded } from '../support/error-code.js';
import { UNSERIALIZABLE } from '../support/unserializable.js';

const root = new PacketEncoding('/');
const chat = new PacketEncoding('/chat');
const BYTES = /Array|Buffer|DataView/;

const refused = (message: string | RegExp = ''): Error => coded('ERR_ENVELOPE_INVALID_PAYLOAD', message);

describe('a written packet', () => {
  it('is text', () => {
    expect(root.event('a', [])).toBe('42["a"]');
    expect(root.event('a', [undefined])).toBe('42["a",null]');
    expect(root.event('a', [[1, 2]], 0)).toBe('420["a",[1,2]]');
    expect(chat.event('"', [1, 'ü', { b: undefined }], 12)).toBe('42/chat,12["\\"",1,"ü",{}]');
    expect(root.answer('a', [], 3, false)).toBe('433[]');
    expect(chat.answer('a', [1, null], 3, false)).toBe('43/chat,3[1,null]');
    expect(root.event('a', [{ toJSON: () => ({ b: 1 }) }])).toBe('42["a",{"b":1}]');
  });

  it('has the offset as its last argument', () => {
    expect(root.withOffset(root.event('a', []), '1-0')).toBe('42["a","1-0"]');
    expect(root.withOffset(chat.event('a', [1, Buffer.from('x')], 1), '1-0')).toEqual([
      '451-/chat,1["a",1,{"_placeholder":true,"num":0},"1-0"]',
      Buffer.from('x'),
    ]);
  });

  it('greets, refuses and reads credentials as Socket.IO', () => {
    const greeting = { id: 'one', recovered: false, session: undefined };
    expect(root.greeting(greeting, '1-0')).toBe('40{"sid":"one"}');
    expect(chat.greeting({ ...greeting, session: 'two' }, undefined)).toBe(
      '40/chat,{"sid":"one","pid":"two"}',
    );
    expect(root.refusal(new Error('no'), {})).toBe('44{"message":"no"}');
    expect(chat.refusal(Object.assign(new Error('no'), { data: { a: 1 } }), {})).toBe(
      '44/chat,{"message":"no","data":{"a":1}}',
    );
    expect(() => root.refusal(Object.assign(new Error('no'), { data: 1n }))).toThrow(refused('BigInt'));
    expect(root.resumeCredentials({ pid: 'two', offset: '1-0' })).toEqual({ token: 'two', offset: '1-0' });
  });

  it('has bytes of any kind as attachments, also those of a toJSON', () => {
    const bytes = [
      Buffer.from('a'),
      Uint8Array.of(98),
      Uint16Array.of(0x6363),
      new DataView(Uint8Array.of(0, 100).buffer, 1),
      Uint8Array.of(101).buffer,
      new Uint8Array(new SharedArrayBuffer(1)).fill(102).buffer,
      { toJSON: () => Buffer.from('g') },
      { toJSON: () => ({ deep: [Buffer.from('h')] }) },
    ];
    const [text, ...attachments] = chat.event('x', bytes, 5) as [string, ...Buffer[]];
    const places = Array.from({ length: 7 }, (_, num) => `{"_placeholder":true,"num":${num}}`);
    expect(text).toBe(`458-/chat,5["x",${places.join(',')},{"deep":[{"_placeholder":true,"num":7}]}]`);
    expect(attachments.map(String)).toEqual(['a', 'b', 'cc', 'd', 'e', 'f', 'g', 'h']);
    expect(attachments.every((item) => Buffer.isBuffer(item))).toBe(true);
    expect(root.answer('x', [Buffer.from('a')], 1, false)).toEqual([
      '461-1[{"_placeholder":true,"num":0}]',
      Buffer.from('a'),
    ]);
  });

  it('is a snapshot', () => {
    const buffer = Buffer.alloc(10_000, 'a');
    const small = Buffer.from('a');
    const [, large, tiny] = root.event('x', [buffer, small]) as [string, Buffer, Buffer];
    buffer.fill('b');
    small.fill('b');
    expect([String(large.subarray(0, 2)), String(tiny)]).toEqual(['aa', 'a']);
  });

  it('keeps an own field __proto__ beside bytes', () => {
    const value = JSON.parse('{"__proto__":{"a":1}}') as object;
    expect(root.event('x', [value, Buffer.alloc(0)])).toEqual([
      '451-["x",{"__proto__":{"a":1}},{"_placeholder":true,"num":0}]',
      Buffer.alloc(0),
    ]);
  });

  it('has no bytes beside what clients would take for a placeholder', () => {
    const trap = { _placeholder: true, num: 5 };
    expect(() => root.event('x', [{ from: trap }, Buffer.from('a')])).toThrow(refused('_placeholder'));
    expect(root.event('x', [trap])).toBe('42["x",{"_placeholder":true,"num":5}]');
  });

  it.each(UNSERIALIZABLE.filter(([, , , kind]) => !BYTES.test(kind)))(
    'is refused: %s',
    (_, make, place, kind) => {
      expect(() => root.event('price', [make()])).toThrow(TypeError);
      expect(() => root.event('price', [make()])).toThrow(
        refused(`"price" cannot be sent: ${place} is ${kind}`),
      );
      expect(() => chat.answer('price', [Buffer.alloc(1), make()], 1, false)).toThrow(
        refused(`"price" cannot be sent: ${place.replace('data', 'data[1]')} is ${kind}`),
      );
    },
  );

  it('is refused if a value throws or is nested too deep', () => {
    let deep: unknown = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    const broken = {
      toJSON() {
        throw new Error('no');
      },
    };
    for (const value of [deep, broken, [Buffer.alloc(1), deep]])
      expect(() => root.event('x', [value])).toThrow(refused());
  });

  it('is written once for a broadcast to several namespaces, and anew after this turn', async () => {
    let calls = 0;
    const args = [{ toJSON: () => ++calls }];
    const rooms = ['/rooms/42', '/rooms/43', '/rooms/44'].map((name) => new PacketEncoding(name));
    expect(rooms.map((room) => room.event('x', args))).toEqual([
      '42/rooms/42,["x",1]',
      '42/rooms/43,["x",1]',
      '42/rooms/44,["x",1]',
    ]);
    await new Promise(setImmediate);
    expect(rooms[0]!.event('x', args)).toBe('42/rooms/42,["x",2]');
    expect(root.event('x', args)).toBe('42["x",3]');
    expect(root.event('x', args)).toBe('42["x",4]');
  });
});
