import { isUtf8 } from 'node:buffer';
import { Decoder, Encoder } from '@msgpack/msgpack';
import {
  Refusal,
  toEnvelope,
  type Envelope,
  type MessageLimits,
  type RequestId,
} from '../protocol/envelope.js';
import { textOfPattern } from '../protocol/microservice-packet.js';
import { prepare } from '../protocol/msgpack/prepare.js';
import { scan, type Contents } from '../protocol/msgpack/scan.js';
import { assertCarried, type Aside } from '../protocol/payload.js';
import { withCode } from '../protocol/with-code.js';
import { bufferOf, isBytes } from '../server/transport/bytes.js';
import type { Encoded, Encoding, Greeting, ResumeCredentials } from '../server/transport/encoding.js';
import type { Message } from '../server/transport/message.js';

/** Bytes are carried as they are. */
const AS_BYTES: Aside = { takes: isBytes, replace: (_, value) => value };
/** Levels of a payload that is sent. JSON has no limit of its own, but the stack of `JSON.stringify` ends near it. */
const MAX_DEPTH = 5_000;
/** The head byte of a map with up to 15 entries, and a message has no more. */
const FIXMAP = 0x80;
const PROTO = '__proto__';
/** Stands for the key `__proto__`, which the decoder refuses. No text of UTF-8 contains it. */
const PROTO_MARK = '\ud800__proto__';

const encoder = new Encoder({ ignoreUndefined: true, maxDepth: MAX_DEPTH });
const decoder = new Decoder();
/** Decodes keys without a cache, for messages with a key that the decoder refuses. */
const protoDecoder = new Decoder({
  keyDecoder: {
    canBeCached: () => true,
    decode(bytes, offset, length) {
      const key = bufferOf(bytes).toString('utf8', offset, offset + length);
      return key === PROTO ? PROTO_MARK : key;
    },
  },
});

/** The messages of `envelope.v1+msgpack`: those of the JSON envelope, each as one MessagePack map (PROTOCOL.md, section 24). */
export class MessagePackEncoding implements Encoding {
  readonly protocol = 'envelope';
  readonly isJson = false;

  /** @param maxValues the values of one message that are read, with keys, maps and arrays */
  constructor(private readonly maxValues: number) {}

  event(event: string, args: readonly unknown[], id?: RequestId, meta?: object): Buffer {
    return write(event, { event, data: carried(args.length > 1 ? args : args[0], event), id, meta });
  }

  answer(event: string, data: unknown, ack: RequestId, more: boolean): Buffer {
    return write(event, { event, data: carried(data, event), ack, more: more || undefined });
  }

  packet(
    kind: 'response' | 'error',
    pattern: unknown,
    payload: unknown,
    id: RequestId | undefined,
    more: boolean,
  ): Buffer {
    const name = textOfPattern(pattern);
    const fields = { kind, pattern, payload: carried(payload, name, 'payload'), metadata: {}, id };
    return write(name, { ...fields, more: more || undefined });
  }

  withOffset(message: Encoded, offset: string): Buffer {
    const entry = [encoder.encode('offset'), encoder.encode(offset)];
    const bytes = Buffer.concat([message as Buffer, ...entry]);
    bytes[0] = FIXMAP | ((bytes[0]! & 0x0f) + 1);
    return bytes;
  }

  greeting(greeting: Greeting, offset: string | undefined): Buffer {
    return write('$session', { event: '$session', data: carried(greeting, '$session'), offset });
  }

  refusal(_: Error, payload: object): Buffer {
    return this.event('exception', [payload]);
  }

  resumeCredentials({ session, offset }: Readonly<Record<string, unknown>>): ResumeCredentials {
    return { token: session, offset };
  }

  decode(data: Message, isBinary: boolean, limits: MessageLimits): Envelope | Refusal {
    if (!isBinary || !Buffer.isBuffer(data))
      return new Refusal('bad_frame', 'a message must be a binary message with one MessagePack map');
    const contents = scan(data, { maxDepth: limits.maxJsonDepth, maxValues: this.maxValues }, isUtf8);
    if (typeof contents === 'string')
      return new Refusal('bad_frame', `a message must be one MessagePack map: ${contents}`);
    const envelope = toEnvelope(read(data, contents), limits);
    if (envelope instanceof Refusal) return envelope;
    const id = envelope.id;
    if (contents.misplacedBytes.length > 0)
      return new Refusal('bad_frame', 'only data and payload may contain bytes', id);
    if (!contents.isTooDeep) return envelope;
    return new Refusal('too_deep', `a message must not be nested deeper than ${limits.maxJsonDepth}`, id);
  }
}

/** Returns a payload as the encoder takes it. */
function carried(payload: unknown, name: string, root = 'data'): unknown {
  assertCarried(payload, name, root, AS_BYTES);
  return prepareFor(name, payload);
}

function prepareFor(name: string, value: unknown): unknown {
  try {
    return prepare(value, (object) => (isBytes(object) ? bufferOf(object) : undefined));
  } catch (cause) {
    throw withCode(
      'ERR_ENVELOPE_INVALID_PAYLOAD',
      new TypeError(`${JSON.stringify(name)} cannot be sent: ${(cause as Error).message}`, { cause }),
    );
  }
}

/** @param name the event, for the error */
function write(name: string, message: object): Buffer {
  try {
    return bufferOf(encoder.encode(message));
  } catch (cause) {
    throw withCode(
      'ERR_ENVELOPE_INVALID_PAYLOAD',
      new TypeError(`${JSON.stringify(name)} cannot be sent: ${(cause as Error).message}`, { cause }),
    );
  }
}

function read(data: Buffer, { hasBytes, hasProto, floatIds }: Contents): Record<string, unknown> {
  // the decoder returns bytes as views: those of a chunk of the network would keep it in memory, and may be changed
  const own = hasBytes ? Buffer.from(data) : data;
  const message = (hasProto ? protoDecoder : decoder).decode(own) as Record<string, unknown>;
  // a number that no id can be, as a float must not be one
  for (const name of floatIds) message[name] = 0.5;
  return hasProto ? (withProto(message) as Record<string, unknown>) : message;
}

/** Returns a value in which the marked keys are own keys `__proto__`. */
function withProto(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isBytes(value)) return value;
  if (Array.isArray(value)) return value.map(withProto);
  const entries = Object.entries(value);
  // defines fields, also that of this name
  return Object.fromEntries(
    entries.map(([key, field]) => [key === PROTO_MARK ? PROTO : key, withProto(field)]),
  );
}
