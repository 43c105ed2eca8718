import { Refusal, UNLIMITED, type MessageLimits } from '../../lib/protocol/envelope.js';
import type { Message, MultipartMessage } from '../../lib/server/transport/message.js';
import { PacketAssembler } from '../../lib/socketio/packet-assembler.js';
import { PacketEncoding } from '../../lib/socketio/packet-encoding.js';
import { isRootEvent, MAX_NAMESPACE_LENGTH, readHead } from '../../lib/socketio/packet-head.js';

const root = new PacketEncoding('/');
const chat = new PacketEncoding('/chat');

/** Decodes a packet whose attachments are the letters a, b, c and so on. */
function decode(text: string, limits: MessageLimits = UNLIMITED, encoding = root) {
  const count = readHead(text)?.attachments ?? 0;
  const attachments = Array.from({ length: count }, (_, i) => Buffer.from(String.fromCharCode(97 + i)));
  const message: Message = count === 0 ? text : { text, attachments, length: text.length + count };
  return encoding.decode(message, false, limits);
}

const codeOf = (text: string, limits?: MessageLimits): string | undefined => {
  const read = decode(text, limits);
  return read instanceof Refusal ? read.code : undefined;
};

describe('the head of a packet', () => {
  it.each([
    ['42["a"]', 2, 0, '/', 2],
    ['4212["a"]', 2, 0, '/', 2],
    ['42/,["a"]', 2, 0, '/', 4],
    ['42/chat,1["a"]', 2, 0, '/chat', 8],
    ['40', 0, 0, '/', 2],
    ['40/chat', 0, 0, '/chat', 7],
    ['41/chat,', 1, 0, '/chat', 8],
    ['451-["a"]', 5, 1, '/', 4],
    ['4612-/chat,7[]', 6, 12, '/chat', 11],
    [`40/${'x'.repeat(MAX_NAMESPACE_LENGTH - 1)},`, 0, 0, `/${'x'.repeat(MAX_NAMESPACE_LENGTH - 1)}`, 1027],
    [`40/${'x'.repeat(MAX_NAMESPACE_LENGTH - 1)}`, 0, 0, `/${'x'.repeat(MAX_NAMESPACE_LENGTH - 1)}`, 1026],
  ])('%s', (text, type, attachments, namespace, end) => {
    expect(readHead(text)).toEqual({ type, attachments, namespace, end });
  });

  it.each([
    ...['', '4', '2["a"]', '47', '4a', '4/', '4-1', '45["a"]', '45-["a"]', '450-["a"]', '451', '45-1-["a"]'],
    ...[
      '451e1-["a"]',
      '45 1-["a"]',
      '45+1-["a"]',
      '450x1-["a"]',
      '451.0-["a"]',
      '451000000000-["a"]',
      '45१-["a"]',
    ],
    `40/${'x'.repeat(MAX_NAMESPACE_LENGTH)},`,
    `40/${'x'.repeat(MAX_NAMESPACE_LENGTH)}`,
  ])('is malformed: %s', (text) => {
    expect(readHead(text)).toBeUndefined();
  });

  it('tells a message to the namespace / from all others', () => {
    expect(['42["a"]', '421["a"]'].map(isRootEvent)).toEqual([true, true]);
    expect(['42/chat,["a"]', '42/,["a"]', '43["a"]', '451-["a"]', '40', '2', ''].some(isRootEvent)).toBe(
      false,
    );
  });
});

describe('a packet with attachments', () => {
  const assembler = (maxPayload = 1_000, maxAttachments?: number): PacketAssembler =>
    new PacketAssembler({ maxPayload, ...(maxAttachments !== undefined && { maxAttachments }) });

  it('is complete with its last attachment', () => {
    const parts = assembler();
    for (let round = 0; round < 2; round++) {
      expect(parts.begin('452-["ü"]', 2)).toBeUndefined();
      expect(parts.isWaiting).toBe(true);
      expect(parts.add(Buffer.from('a'))).toBeUndefined();
      expect(parts.waitingBytes).toBe(11);
      expect(parts.add(Buffer.from('bc'))).toEqual({
        text: '452-["ü"]',
        attachments: [Buffer.from('a'), Buffer.from('bc')],
        length: 13,
      });
      expect([parts.isWaiting, parts.waitingBytes]).toEqual([false, 0]);
    }
  });

  it('may have as many attachments as the limit, 10 by default', () => {
    expect(assembler().begin('4510-["a"]', 10)).toBeUndefined();
    expect(assembler().begin('4511-["a"]', 11)).toBe('too many attachments');
    expect(assembler(1_000, 2).begin('453-["a"]', 3)).toBe('too many attachments');
  });

  it('may be as large as the limit, all its parts together', () => {
    const parts = assembler(20);
    parts.begin('452-["a"]', 2);
    parts.add(Buffer.alloc(10));
    expect(parts.add(Buffer.alloc(1))).toMatchObject({ length: 20 });
    parts.begin('452-["a"]', 2);
    parts.add(Buffer.alloc(10));
    expect(parts.add(Buffer.alloc(2))).toBe('too large');
    expect(parts.waitingBytes).toBe(0);
    expect(assembler(10).begin('451-["üü"]', 1)).toBe('too large');
  });

  it('allows neither a text before its attachments nor bytes without a text', () => {
    const parts = assembler();
    expect(parts.add(Buffer.alloc(1))).toBe('unexpected bytes');
    parts.begin('452-["a"]', 2);
    expect(parts.begin('451-["a"]', 1)).toBe('unexpected text');
    expect(parts.isWaiting).toBe(false);
    expect(parts.add(Buffer.alloc(1))).toBe('unexpected bytes');
  });

  it('keeps no chunk of the network alive for a few bytes', () => {
    const chunk = Buffer.alloc(65_536);
    const parts = assembler();
    parts.begin('451-["a"]', 1);
    const packet = parts.add(chunk.subarray(100, 105)) as MultipartMessage;
    expect(packet.attachments[0]!.buffer).not.toBe(chunk.buffer);
  });
});

describe('a packet', () => {
  const limits: MessageLimits = { maxEventNameLength: 5, maxJsonDepth: 3 };

  it('is an event with arguments', () => {
    expect(decode('42["a"]')).toMatchObject({ event: 'a', data: undefined, args: [], id: undefined });
    expect(decode('420["a",1]')).toMatchObject({ event: 'a', data: 1, args: [1], id: 0, ack: undefined });
    expect(decode('42["a",1,2]')).toMatchObject({ event: 'a', data: [1, 2], args: [1, 2] });
    expect(decode('42["a",[1,2]]')).toMatchObject({ event: 'a', data: [1, 2], args: [[1, 2]] });
    expect(decode('42/chat,7["a",null]', UNLIMITED, chat)).toMatchObject({ id: 7, data: null, args: [null] });
    expect(decode('42[5,1]')).toMatchObject({ event: '5', args: [1] });
  });

  it('is an acknowledgement with arguments', () => {
    expect(decode('430[]')).toMatchObject({
      event: undefined,
      ack: 0,
      id: undefined,
      data: undefined,
      args: [],
    });
    expect(decode('430')).toMatchObject({ ack: 0, args: [] });
    expect(decode('43/chat,12[1,"a"]', UNLIMITED, chat)).toMatchObject({
      ack: 12,
      data: [1, 'a'],
      args: [1, 'a'],
    });
  });

  it.each([
    ...[
      '42',
      '421',
      '42{}',
      '42"a"',
      '42[',
      '42[]',
      '42[{}]',
      '42[null]',
      '42[["a"]]',
      '42["a"]x',
      '42["a"',
      '42 ["a"]',
    ],
    ...[
      '42null',
      '42-1["a"]',
      '421.5["a"]',
      '4299999999999999999["a"]',
      '43[]',
      '43["a"]',
      '430{}',
      '430null',
    ],
    ...['40', '41', '44{"message":"a"}', '45["a"]', '451-', '451-[{"_placeholder":true,"num":0}]', '', '4'],
    ...['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].map(
      (name) => `42["${name}"]`,
    ),
  ])('is malformed: %s', (text) => {
    expect(codeOf(text)).toBe('bad_frame');
  });

  it('is malformed if it is bytes, or has another number of attachments than it says', () => {
    const refused = [
      Buffer.from('42["a"]'),
      { text: '452-["a"]', attachments: [Buffer.alloc(1)], length: 10 },
      { text: '42["a"]', attachments: [Buffer.alloc(1)], length: 8 },
    ].map((message) => root.decode(message, false, UNLIMITED));
    expect(refused.map((refusal) => (refusal as Refusal).code)).toEqual(Array(3).fill('bad_frame'));
  });

  it('may have a name of the maximum length', () => {
    expect(codeOf('42["12345"]', limits)).toBeUndefined();
    expect(codeOf('42["123456"]', limits)).toBe('bad_event');
    // as in Socket.IO: an event that no handler takes
    expect(codeOf('42[""]', limits)).toBeUndefined();
    expect(decode('429["123456"]', limits)).toMatchObject({ id: 9 });
  });

  it('may be nested as deep as the limit, its own list included', () => {
    expect(codeOf('42["a",[[]]]', limits)).toBeUndefined();
    expect(codeOf('42["a",[[[]]]]', limits)).toBe('too_deep');
    expect(codeOf('430[[[[]]]]', limits)).toBe('too_deep');
    expect(codeOf('451-["a",[[{"_placeholder":true,"num":0}]]]', limits)).toBe('too_deep');
    expect(codeOf(`42["a",${'['.repeat(100_000)}${']'.repeat(100_000)}]`, limits)).toBe('too_deep');
    expect(codeOf(`451-["a",${'['.repeat(100_000)}${']'.repeat(100_000)}]`)).toBeUndefined();
  });

  it('never reads a name from Object.prototype', () => {
    expect(decode('42["__proto__",{"__proto__":{"polluted":true}}]')).toMatchObject({ event: '__proto__' });
    expect(decode('42["constructor"]')).toMatchObject({ event: 'constructor' });
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('a placeholder', () => {
  const value = (json: string, count = 1): unknown => decode(`45${count}-["x",${json}]`);
  const at = (num: unknown): string => JSON.stringify({ _placeholder: true, num });

  it('becomes its attachment, at any depth', () => {
    expect(value(`{"a":[${at(1)}]},${at(0)}`, 2)).toMatchObject({
      args: [{ a: [Buffer.from('b')] }, Buffer.from('a')],
    });
    expect(decode(`461-7[${at(0)}]`)).toMatchObject({ ack: 7, data: Buffer.from('a') });
  });

  it('need not exist for each attachment', () => {
    expect(value('1', 2)).toMatchObject({ args: [1] });
  });

  it.each([
    ...[1, -1, 0.5, '0', null, undefined, true, [0], {}, 'length', '__proto__'].map((num) => at(num)),
    '{"_placeholder":true,"num":1e999}',
    '{"_placeholder":true,"__proto__":{"num":0}}',
    `[${at(0)},${at(0)}]`,
  ])('is refused: %s', (json) => {
    expect(value(json)).toMatchObject({ code: 'bad_frame' });
  });

  it('is data like any other in a packet without attachments', () => {
    expect(decode(`42["x",${at(0)}]`)).toMatchObject({ data: { _placeholder: true, num: 0 } });
  });

  it.each([
    '{"_placeholder":"true","num":0}',
    '{"_placeholder":1,"num":0}',
    '{"__proto__":{"_placeholder":true,"num":0}}',
  ])('is data if it is no true one: %s', (json) => {
    expect(JSON.stringify((value(json) as { data: unknown }).data)).toBe(
      json.replace('{"_placeholder":true,"num":0}', JSON.stringify(Buffer.from('a'))),
    );
  });

  it('is not every object when Object.prototype is polluted', () => {
    Object.assign(Object.prototype, { _placeholder: true, num: 0 });
    try {
      const read = value('{"a":1}') as { args: unknown[] };
      expect(JSON.stringify(read.args)).toBe('[{"a":1}]');
    } finally {
      Reflect.deleteProperty(Object.prototype, '_placeholder');
      Reflect.deleteProperty(Object.prototype, 'num');
    }
  });

  it('sets no prototype where its key is __proto__', () => {
    const { data } = value(`{"__proto__":${at(0)}}`) as { data: object };
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(data, '__proto__')!.value).toEqual(Buffer.from('a'));
  });
});
