import * as fc from 'fast-check';
import { Decoder, Encoder, PacketType, type Packet } from 'socket.io-parser';
import { Refusal, UNLIMITED } from '../../lib/protocol/envelope.js';
import type { Encoded } from '../../lib/server/transport/encoding.js';
import type { Message } from '../../lib/server/transport/message.js';
import { PacketAssembler } from '../../lib/socketio/packet-assembler.js';
import { PacketEncoding, type PacketEnvelope } from '../../lib/socketio/packet-encoding.js';
import { readHead } from '../../lib/socketio/packet-head.js';
import type { Random } from '../support/random.js';
import { check, fuzz } from './fuzz.js';
import { Mutator } from './mutator.js';
import { property } from './property.js';

/** What both parsers read: an event or an acknowledgement. */
interface Parsed {
  readonly namespace: string;
  readonly isEvent: boolean;
  readonly id: number | undefined;
  readonly args: readonly unknown[];
}

type Part = string | Buffer;

const RESERVED = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'];
const own = Object.getOwnPropertyNames(Object.prototype).length;

const partsOf = (packet: Encoded): Part[] => (Array.isArray(packet) ? (packet as Part[]) : [packet as Part]);

/** Reads the parts of one packet as our multiplexer does. Returns the reason where it is malformed. */
function readOurs(parts: readonly Part[]): Parsed | string {
  const [text, ...frames] = parts as [string, ...Buffer[]];
  const head = readHead(text);
  if (head === undefined) return 'malformed';
  let message: Message | undefined = text;
  if (head.attachments > 0) {
    const assembler = new PacketAssembler({ maxPayload: Infinity });
    const fault = assembler.begin(text, head.attachments);
    if (fault !== undefined) return fault;
    message = undefined;
    for (const frame of frames) {
      if (message !== undefined) return 'unexpected bytes';
      const added = assembler.add(frame);
      if (typeof added === 'string') return added;
      message = added;
    }
    if (message === undefined) return 'incomplete';
  } else if (frames.length > 0) {
    return 'unexpected bytes';
  }
  const read = new PacketEncoding(head.namespace).decode(message, false, UNLIMITED);
  if (read instanceof Refusal) return read.code;
  const { event, args, id, ack } = read as PacketEnvelope;
  const isEvent = event !== undefined;
  return {
    namespace: head.namespace,
    isEvent,
    id: (isEvent ? id : ack) as number | undefined,
    args: isEvent ? [event, ...args] : args,
  };
}

/** Reads the parts of one packet with `socket.io-parser`. */
function readTheirs(parts: readonly Part[]): Parsed | string {
  const [text, ...frames] = parts as [string, ...Buffer[]];
  const decoder = new Decoder();
  let packet: Packet | undefined;
  decoder.on('decoded', (read: Packet) => (packet = read));
  try {
    decoder.add(text.slice(1));
    for (const frame of frames) {
      if (packet !== undefined) return 'got binary data when not reconstructing a packet';
      decoder.add(frame);
    }
  } catch (error) {
    return (error as Error).message;
  }
  if (packet === undefined) return 'incomplete';
  const { type, nsp: namespace, id, data } = packet as Packet & { type: number };
  if (type !== 2 && type !== 3) return 'no message';
  return { namespace, isEvent: type === 2, id, args: data as unknown[] };
}

/** Makes a value comparable: what JSON shows, bytes as text, and an own `__proto__`. */
function shown(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, item: unknown) {
    // a toJSON may return bytes
    for (const bytes of [this[key], item]) {
      if (ArrayBuffer.isView(bytes))
        return `bytes ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
      if (bytes instanceof ArrayBuffer) return `bytes ${Buffer.from(bytes).toString('hex')}`;
    }
    if (typeof item === 'number' && !Number.isFinite(item)) return String(item);
    return item;
  });
}

const json = fc.jsonValue({ maxDepth: 4 });
const bytes = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(3)).map(([list, kind]): unknown => {
  const copy = Uint8Array.from(list);
  return [Buffer.from(list), copy.buffer, new DataView(copy.buffer), copy][kind];
});
const { tree } = fc.letrec<{ tree: unknown; list: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    json,
    bytes,
    tie('list'),
    fc.dictionary(fc.string({ maxLength: 8 }), tie('tree'), { maxKeys: 3 }),
    // their Encoder does not call the toJSON of what a toJSON has returned
    fc.oneof(json, bytes, tie('list')).map((inside) => ({ toJSON: () => inside })),
  ),
  list: fc.array(tie('tree'), { maxLength: 3 }),
}));
const messages = fc.record({
  namespace: fc.oneof(
    fc.constant('/'),
    fc.string({ maxLength: 20 }).map((name) => `/${name.replaceAll(',', '')}`),
  ),
  isEvent: fc.boolean(),
  event: fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !RESERVED.includes(name)),
  id: fc.nat(),
  isRequest: fc.boolean(),
  args: fc.array(tree, { maxLength: 4 }),
});

const CORPUS = [
  '42["event"]',
  '42["event",1,{"a":[null,"ü",1e999]}]',
  '42/chat,["event","text"]',
  '4212["event",{"deep":[[[[{}]]]]}]',
  '42/rooms/42,7["event",{"__proto__":{"polluted":1},"constructor":1}]',
  '43/chat,12[]',
  '4312[{"_placeholder":true,"num":0}]',
  '451-["event",{"_placeholder":true,"num":0}]',
  '452-/chat,3["event",{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]',
  '461-/chat,3[{"_placeholder":true,"num":0}]',
  '40/chat,{"token":1}',
  '41/chat,',
  '44{"message":"no"}',
];
const TOKENS = [
  ...['4', '2', '3', '45', '46', '10-', '1-', '-', '/', ',', '/chat,', '[', ']', '{', '}', '"', ':', '\\'],
  ...['{"_placeholder":true,"num":0}', '"_placeholder"', 'true', '"num"', '-1', '0.5', '1e0', '" "', ' '],
  ...[
    '__proto__',
    '"__proto__":',
    'connect',
    '"disconnect"',
    'event',
    '99999999999999999999',
    '\n',
    'null',
    '5',
  ],
];

/** Returns a mutated packet with its frames, or with some more or less. */
function randomParts(random: Random): Part[] {
  const text = new Mutator(CORPUS, TOKENS).next(random);
  const count = random.chance(0.1) ? random.below(4) : (readHead(text)?.attachments ?? random.below(3));
  return [
    text,
    ...Array.from({ length: Math.min(count, 12) }, (_, i) => Buffer.from([i, random.below(256)])),
  ];
}

/**
 * The deliberate differences: packets that we refuse and `socket.io-parser` accepts. Their number is not read as a digit
 * string, but as anything that JavaScript compares equal to a number, such as a space or `1e1`.
 */
const STRICTER: readonly ((text: string, theirs: Parsed) => boolean)[] = [
  // the prefix of Engine.IO, which their Decoder does not see
  (text) => !text.startsWith('4'),
  // a number of attachments with another character than digits, or with more than 6 digits
  (text) => /^4[56]/.test(text) && !/^4[56]\d{1,6}-/.test(text),
  // whitespace in an id, or before the list
  (text) => /\s/.test(text),
  // an id that is no safe integer
  (_, { id }) => id !== undefined && !Number.isSafeInteger(id),
  // an event without arguments, or an acknowledgement without an id: their server ignores both
  (_, { isEvent, args }) => isEvent && args === undefined,
  (_, { isEvent, id }) => !isEvent && id === undefined,
  // an empty name: refused with an exception, as in an envelope
  (_, { isEvent, args }) => isEvent && args[0] === '',
  // an attachment that is used twice, or by a `num` that is no integer
  (text) => text.split('_placeholder').length > 2 || text.includes('\\'),
  (text) => /"num"\s*:\s*-?\d*\.|"num"\s*:\s*\d*e/i.test(text),
  // a namespace of more than 1024 characters
  (_, { namespace }) => namespace.length > 1024,
];

function compare(parts: readonly Part[]): void {
  const [text] = parts as [string];
  const ours = readOurs(parts);
  const theirs = readTheirs(parts);
  if (typeof theirs === 'string') {
    check(typeof ours === 'string', 'accepted what socket.io-parser refuses', text, theirs, ours);
  } else if (typeof ours === 'string') {
    const isKnown = STRICTER.some((differs) => differs(text, theirs));
    check(isKnown, 'refused what socket.io-parser accepts', text, ours, theirs);
  } else {
    const args = theirs.isEvent ? [String(theirs.args[0]), ...theirs.args.slice(1)] : (theirs.args ?? []);
    check(shown(ours) === shown({ ...theirs, args }), 'read something else', text, ours, theirs);
  }
}

describe('packets of Socket.IO', () => {
  afterEach(() => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(own);
  });

  fuzz('are accepted where socket.io-parser accepts them, and read as the same', 20_000, (random) => {
    compare(randomParts(random));
  });

  property(
    'that we write are read by socket.io-parser',
    1_000,
    messages,
    ({ namespace, isEvent, event, id, isRequest, args }) => {
      const encoding = new PacketEncoding(namespace);
      const written = isEvent
        ? encoding.event(event, args, isRequest ? id : undefined)
        : encoding.answer(event, args, id, false);
      const parts = partsOf(written);
      if (parts.length > 11) return;
      const expected = {
        namespace,
        isEvent,
        ...((isRequest || !isEvent) && { id }),
        args: isEvent ? [event, ...args] : args,
      };
      const theirs = readTheirs(parts);
      check(shown(theirs) === shown(expected), 'they read something else', parts, theirs, args);
      const ours = readOurs(parts);
      check(shown(ours) === shown(expected), 'we read something else', parts, ours, args);
    },
  );

  property(
    'that socket.io-parser writes are the same as ours',
    1_000,
    messages,
    ({ namespace, isEvent, event, id, isRequest, args }) => {
      // where there are bytes, their Encoder takes an own field `__proto__` for the prototype
      if (shown(args).includes('__proto__')) return;
      const encoding = new PacketEncoding(namespace);
      const data = isEvent ? [event, ...args] : args;
      const type = isEvent ? PacketType.EVENT : PacketType.ACK;
      const hasId = isRequest || !isEvent;
      const [text, ...frames] = new Encoder().encode({ type, nsp: namespace, data, ...(hasId && { id }) });
      const theirs = [`4${text}`, ...frames];
      const ours = isEvent
        ? encoding.event(event, args, hasId ? id : undefined)
        : encoding.answer(event, args, id, false);
      check(shown(partsOf(ours)) === shown(theirs), 'wrote something else', ours, theirs);
      if (isEvent) {
        const theirOffset = new Encoder().encode({
          type,
          nsp: namespace,
          data: [...data, '17-0'],
          ...(hasId && { id }),
        });
        const offset = [`4${theirOffset[0]}`, ...theirOffset.slice(1)];
        check(
          shown(partsOf(encoding.withOffset(ours, '17-0'))) === shown(offset),
          'wrote another offset',
          ours,
        );
      }
    },
  );
});
