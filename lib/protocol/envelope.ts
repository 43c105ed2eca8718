import { isRecord } from './json.js';
import { toPacket, type Packet } from './microservice-packet.js';

/** The id of a request: a string of 1 to 64 characters or a safe integer. `1` and `"1"` are different ids. */
export type RequestId = string | number;

/**
 * One message on the wire, in either direction (PROTOCOL.md, section 5). Every field may be absent. Fields that
 * the protocol does not define are dropped.
 */
export interface Envelope {
  /** The name of the event. Names that begin with `$` are reserved for the protocol. */
  readonly event: string | undefined;
  /** The payload: any JSON value, or `undefined` if the field is absent. */
  readonly data: unknown;
  /** Makes the message a request. The sender expects exactly one final answer, which carries this value as `ack`. */
  readonly id: RequestId | undefined;
  /** Makes the message an answer to the request with this id. */
  readonly ack: RequestId | undefined;
  /** With `id`: the sender accepts many values. */
  readonly stream: boolean;
  /** With `ack`: one value of a stream. More values may follow. */
  readonly more: boolean;
  /** Metadata beside the payload, such as `traceparent`, `key` or `token`. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** In place of `event`: a message of the microservice protocol. */
  readonly packet: Packet | undefined;
  /** The arguments of a message of Socket.IO's protocol: `data` is the only one, or the list of several. */
  readonly args?: readonly unknown[];
}

/** The data of an `exception` (PROTOCOL.md, section "Exceptions"). */
export interface ExceptionPayload {
  readonly status: 'error';
  readonly message: unknown;
  /** A stable code. Only refusals of the protocol have one. */
  readonly code?: ErrorCode;
  readonly [field: string]: unknown;
}

/** The codes of the protocol's own refusals, each with its meaning. They are stable: programs may switch on them. */
export const EXCEPTION_CODES = {
  bad_frame: 'The message is not UTF-8 JSON, not an object, or a field has the wrong type.',
  bad_event: '`event` is missing, empty, not a string, or too long.',
  bad_id: '`id` or `ack` is neither a string of 1 to 64 characters nor a safe integer, or both are present.',
  reserved_event: 'Only the server, or only an answer, may use the name of the event.',
  unknown_event: 'No handler on this path takes the event.',
  rate_limited: 'The client sends more messages than its limit allows. Wait before the next one.',
  too_deep: 'Objects and arrays are nested deeper than the server reads.',
  room_limit:
    'The client is in as many rooms as its limit allows, or the name of the room is too long or reserved.',
  going_away: 'The server shuts down and takes no new messages. Reconnect.',
  refused: 'A connection middleware refused the client.',
  key_reused: 'The key was used before, with other data.',
  already_answered:
    'The server did this before, and does not keep its answer, because it was larger than 64 kB.',
  unavailable:
    'The server cannot tell at present whether it has done this before. Send it again later, with the same key.',
} as const;

/** The protocol's own refusals: one of {@link EXCEPTION_CODES}. */
export type ErrorCode = keyof typeof EXCEPTION_CODES;

/** The reason why a message was refused, and the `ack` of the answer, if the message had a valid id. */
export class Refusal {
  constructor(
    readonly code: ErrorCode,
    readonly message: string,
    readonly id?: RequestId,
  ) {}

  toPayload(): ExceptionPayload {
    return { status: 'error', code: this.code, message: this.message };
  }
}

/** Limits of one message. */
export interface MessageLimits {
  /** Characters of an event name. */
  readonly maxEventNameLength: number;
  /** Nesting depth of objects and arrays. */
  readonly maxJsonDepth: number;
}

/** For messages that this server wrote itself. */
export const UNLIMITED: MessageLimits = { maxEventNameLength: Infinity, maxJsonDepth: Infinity };

/** Characters of a request id. */
export const MAX_ID_LENGTH = 64;
const hasOwn = Object.prototype.hasOwnProperty;

/** Reads an own property. A property of a polluted `Object.prototype` must never look like a field. */
function own(object: Record<string, unknown>, key: string): unknown {
  const value = object[key];
  return value === undefined || hasOwn.call(object, key) ? value : undefined;
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string'
    ? value.length > 0 && value.length <= MAX_ID_LENGTH
    : Number.isSafeInteger(value);
}

/** Checks a parsed message. Returns an envelope with all fields, in a fixed shape, or a {@link Refusal}. */
export function toEnvelope(
  value: unknown,
  { maxEventNameLength }: Pick<MessageLimits, 'maxEventNameLength'>,
): Envelope | Refusal {
  if (!isRecord(value)) return new Refusal('bad_frame', 'a message must be one JSON object');
  const id = own(value, 'id');
  if (id !== undefined && !isId(id)) {
    return new Refusal('bad_id', 'id must be a string of 1 to 64 characters or a safe integer');
  }
  const ack = own(value, 'ack');
  if (ack !== undefined && !isId(ack)) {
    return new Refusal('bad_id', 'ack must be a string of 1 to 64 characters or a safe integer', id);
  }
  if (id !== undefined && ack !== undefined) {
    return new Refusal('bad_id', 'a message must not have both id and ack', id);
  }
  const event = own(value, 'event');
  if (event === undefined && ack === undefined && own(value, 'kind') !== undefined) {
    const fields = ['kind', 'pattern', 'payload', 'metadata'].map((name) => [name, own(value, name)]);
    const packet = toPacket(Object.fromEntries(fields) as Record<string, unknown>);
    if (typeof packet === 'string') return new Refusal('bad_frame', packet, id);
    // the answer may be a stream, and $cancel can end the message while it waits
    const stream = packet.kind === 'message';
    return { event, data: undefined, id, ack, stream, more: false, meta: undefined, packet };
  }
  if (event !== undefined || ack === undefined) {
    if (typeof event !== 'string' || event.length === 0) {
      return new Refusal('bad_event', 'event must be a non-empty string', id);
    }
    if (event.length > maxEventNameLength) {
      return new Refusal('bad_event', `event must not exceed ${maxEventNameLength} characters`, id);
    }
  }
  const meta = own(value, 'meta');
  if (meta !== undefined && !isRecord(meta)) return new Refusal('bad_frame', 'meta must be an object', id);
  return {
    event,
    data: own(value, 'data'),
    id,
    ack,
    stream: own(value, 'stream') === true,
    more: own(value, 'more') === true,
    meta,
    packet: undefined,
  };
}
