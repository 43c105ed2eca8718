import { Refusal, type Envelope, type MessageLimits, type RequestId } from '../protocol/envelope.js';
import { detach } from '../protocol/detach.js';
import { isDeeperThan } from '../protocol/json.js';
import { isPlain, writePayload } from '../protocol/payload.js';
import { withCode } from '../protocol/with-code.js';
import type { Encoded, Encoding, Greeting, ResumeCredentials } from '../server/transport/encoding.js';
import type { Message } from '../server/transport/message.js';
import { digitOf, PACKET, readHead } from './packet-head.js';
import { collectBytes, placeAttachments } from './placeholders.js';

/** A packet: its text with the prefix of Engine.IO, or the text and the binary frames after it. */
export type EncodedPacket = string | readonly (string | Buffer)[];

/** A packet that was read, with all its arguments. */
export interface PacketEnvelope extends Envelope {
  readonly args: readonly unknown[];
}

/** Names that `socket.io-parser` refuses in events. */
const RESERVED = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);

const MALFORMED = new Refusal('bad_frame', 'a message must be one Socket.IO packet');
const LIST = 0x5b;
const SLASH = 0x2f;

/**
 * How messages look to a Socket.IO client in one namespace: the protocol of `socket.io-parser`, version 5, behind the prefix of
 * Engine.IO. Both directions agree with `socket.io-parser`, but for what `test/fuzz/packets.spec.ts` lists.
 */
export class PacketEncoding implements Encoding {
  readonly protocol = 'socket.io';
  readonly isJson = false;
  /** Before the id or the arguments: `/chat,`, and nothing in the namespace `/`. */
  private readonly place: string;
  private readonly isRoot: boolean;
  private readonly eventStart: string;
  private readonly answerStart: string;

  /** @param namespace the path of a gateway. It is kept, so it must not be a part of a message */
  constructor(readonly namespace: string) {
    this.isRoot = namespace === '/';
    this.place = this.isRoot ? '' : `${namespace},`;
    this.eventStart = `4${PACKET.EVENT}${this.place}`;
    this.answerStart = `4${PACKET.ACK}${this.place}`;
  }

  /**
   * Writes an event; with an `id`, the client is asked for an acknowledgement. Bytes become attachments.
   *
   * @throws TypeError that names the event and the place in `args`, if neither JSON nor an attachment can carry a value
   */
  event(event: string, args: readonly unknown[], id?: RequestId, _meta?: object): EncodedPacket {
    // one broadcast reaches several namespaces only where they have a common parent, which `/` has not
    const values = this.isRoot ? writeArguments(args, event) : writeShared(args, event);
    const number = id === undefined ? '' : id;
    if (typeof values !== 'string')
      return this.binary(
        PACKET.BINARY_EVENT,
        `${number}${headOf(event)},${values.text}]`,
        values.attachments,
      );
    return values === ''
      ? `${this.eventStart}${number}${headOf(event)}]`
      : `${this.eventStart}${number}${headOf(event)},${values}]`;
  }

  /**
   * Writes the acknowledgement of an event.
   *
   * @param args the list of its arguments
   * @throws TypeError like {@link event}
   */
  answer(event: string, args: unknown, id: RequestId, _more?: boolean): EncodedPacket {
    const values = writeArguments(args as readonly unknown[], event);
    if (typeof values !== 'string')
      return this.binary(PACKET.BINARY_ACK, `${id}[${values.text}]`, values.attachments);
    return `${this.answerStart}${id}[${values}]`;
  }

  /** @throws always: microservices answer only clients that have sent them a message, and Socket.IO's cannot */
  packet(): never {
    throw withCode('ERR_ENVELOPE_UNSUPPORTED', new Error('Socket.IO clients have no microservices'));
  }

  /** Appends the position in the log as the last argument of an event, where clients look for it. */
  withOffset(packet: Encoded, offset: string): EncodedPacket {
    const append = (text: string): string => `${text.slice(0, -1)},${JSON.stringify(offset)}]`;
    if (typeof packet === 'string') return append(packet);
    const [text, ...attachments] = packet as readonly [string, ...Buffer[]];
    return [append(text), ...attachments];
  }

  /** Writes CONNECT. A client takes its position from the events, so it gets none here. */
  greeting({ id, session }: Greeting, _offset: string | undefined): string {
    // JSON leaves `pid` out of a session that cannot be resumed
    return `4${PACKET.CONNECT}${this.place}${JSON.stringify({ sid: id, pid: session })}`;
  }

  /**
   * Writes CONNECT_ERROR with the message of an error and its `data`.
   *
   * @throws TypeError if JSON cannot carry them
   */
  refusal(error: Error, _payload?: object): string {
    const { message, data } = error as { message: unknown; data?: unknown };
    return `4${PACKET.CONNECT_ERROR}${this.place}${writePayload({ message: String(message), data }, 'connect_error')}`;
  }

  /** Writes CONNECT_ERROR. JSON must be able to carry `data`; otherwise it is left out. */
  connectError({ message, data }: { readonly message: string; readonly data?: unknown }): string {
    const start = `4${PACKET.CONNECT_ERROR}${this.place}`;
    try {
      return start + JSON.stringify({ message, data });
    } catch {
      return start + JSON.stringify({ message });
    }
  }

  /** Writes DISCONNECT. */
  disconnect(): string {
    return `4${PACKET.DISCONNECT}${this.place}`;
  }

  /** Returns what Socket.IO's clients send to resume their session. */
  resumeCredentials({ pid, offset }: Readonly<Record<string, unknown>>): ResumeCredentials {
    return { token: pid, offset };
  }

  /**
   * Reads an event or an acknowledgement. Never throws. The caller has read the namespace, and found this encoding by it.
   *
   * @returns a refusal with the code `bad_frame` for a malformed packet, after which Socket.IO closes the connection
   */
  decode(message: Message, _isBinary: boolean, limits: MessageLimits): PacketEnvelope | Refusal {
    if (typeof message === 'string') {
      const type = digitOf(message.charCodeAt(1));
      if (type !== PACKET.EVENT && type !== PACKET.ACK) return MALFORMED;
      return this.read(message, type === PACKET.EVENT, this.endOfPlace(message), undefined, limits);
    }
    if (Buffer.isBuffer(message)) return MALFORMED;
    const head = readHead(message.text);
    if (head?.attachments !== message.attachments.length) return MALFORMED;
    const isEvent = head.type === PACKET.BINARY_EVENT;
    return this.read(message.text, isEvent, head.end, message.attachments, limits);
  }

  /** Returns the index after the namespace of a packet without attachments; after the text, if its head is malformed. */
  private endOfPlace(text: string): number {
    if (this.isRoot) {
      if (text.charCodeAt(2) !== SLASH) return 2;
    } else if (text.startsWith(this.place, 2)) {
      return 2 + this.place.length;
    }
    return readHead(text)?.end ?? text.length + 1;
  }

  private read(
    text: string,
    isEvent: boolean,
    start: number,
    attachments: readonly Buffer[] | undefined,
    limits: MessageLimits,
  ): PacketEnvelope | Refusal {
    let at = start;
    let id: number | undefined;
    for (let digit = digitOf(text.charCodeAt(at)); digit >= 0 && digit <= 9;) {
      id = (id ?? 0) * 10 + digit;
      digit = digitOf(text.charCodeAt(++at));
    }
    if (id === undefined ? !isEvent : id > Number.MAX_SAFE_INTEGER) return MALFORMED;
    // an acknowledgement without a list has no arguments
    const json = !isEvent && at === text.length ? '[]' : text.slice(at);
    const args = listOf(json);
    if (args === undefined) return MALFORMED;
    const event = isEvent ? nameOf(args) : undefined;
    if (isEvent && event === undefined) return MALFORMED;
    const request = isEvent ? id : undefined;
    if (isDeeperThan(json, limits.maxJsonDepth))
      return new Refusal(
        'too_deep',
        `a message must not be nested deeper than ${limits.maxJsonDepth}`,
        request,
      );
    if (attachments !== undefined && !placeAttachments(args, attachments)) return MALFORMED;
    // an empty name is an unknown event, as in Socket.IO
    if (event !== undefined && event.length > limits.maxEventNameLength)
      return new Refusal(
        'bad_event',
        `event must not exceed ${limits.maxEventNameLength} characters`,
        request,
      );
    return {
      event,
      data: args.length > 1 ? args : args[0],
      id: request,
      ack: isEvent ? undefined : id,
      stream: false,
      more: false,
      meta: undefined,
      packet: undefined,
      args,
    };
  }

  private binary(type: number, rest: string, attachments: readonly Buffer[]): EncodedPacket {
    return [`4${type}${attachments.length}-${this.place}${rest}`, ...attachments];
  }
}

/** Returns the list that a JSON text holds; `undefined` if it holds anything else. */
function listOf(json: string): unknown[] | undefined {
  if (json.charCodeAt(0) !== LIST) return undefined;
  try {
    return JSON.parse(json) as unknown[];
  } catch {
    return undefined;
  }
}

/** Removes the name of an event from its list. A number is a name, too, as `socket.on(1)` has it. */
function nameOf(list: unknown[]): string | undefined {
  const name = list.shift();
  if (typeof name === 'number') return String(name);
  return typeof name === 'string' && !RESERVED.has(name) ? name : undefined;
}

const MAX_CACHED_HEADS = 1024;
/** Characters. The event names of a program are short; longer ones are not worth caching. */
const MAX_CACHED_LENGTH = 64;
const heads = new Map<string, string>();

/** Returns `["event"`. The result is cached: a program has few event names. */
function headOf(event: string): string {
  let text = heads.get(event);
  if (text === undefined) {
    text = `[${JSON.stringify(event)}`;
    if (heads.size < MAX_CACHED_HEADS && event.length <= MAX_CACHED_LENGTH) heads.set(detach(event), text);
  }
  return text;
}

/** Arguments as JSON without the brackets of their list, and their bytes, if there are any. */
type WrittenArguments = string | { readonly text: string; readonly attachments: readonly Buffer[] };

function writeArguments(args: readonly unknown[], event: string): WrittenArguments {
  if (args.length === 0) return '';
  const [first] = args;
  const isSingle = args.length === 1;
  if (isPlain(isSingle ? first : args)) {
    const text = stringify(isSingle ? first : args);
    if (text !== undefined) return isSingle ? text : text.slice(1, -1);
  }
  const bytes = collectBytes();
  const text = writePayload(isSingle ? first : args, event, 'data', args, bytes)!.slice(1, -1);
  const { attachments, isAmbiguous } = bytes;
  if (attachments.length === 0) return text;
  // its recipients would put the bytes in its place, or close their connections
  if (isAmbiguous)
    throw withCode(
      'ERR_ENVELOPE_INVALID_PAYLOAD',
      new TypeError(
        `${JSON.stringify(event)} cannot be sent: its data contains bytes, and an object with _placeholder: true, which ` +
          'clients take for bytes: send the object in a message without bytes',
      ),
    );
  return { text, attachments };
}

/** Returns `undefined` where JSON has none, and where the value is nested too deep. */
function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined;
  } catch {
    return undefined;
  }
}

let lastArguments: readonly unknown[] | undefined;
let lastWritten: WrittenArguments = '';

/** Writes the arguments of a broadcast once for all namespaces that it reaches: they get the same list. */
function writeShared(args: readonly unknown[], event: string): WrittenArguments {
  if (args === lastArguments) return lastWritten;
  const written = writeArguments(args, event);
  // until the end of this turn: the application may change a value after it, and the memory would stay in use
  if (lastArguments === undefined) process.nextTick(forget);
  lastArguments = args;
  lastWritten = written;
  return written;
}

function forget(): void {
  lastArguments = undefined;
  lastWritten = '';
}
