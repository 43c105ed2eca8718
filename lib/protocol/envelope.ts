import { isRecord, toPacket, type Packet } from './microservice-packet.js';

/** The name that asks for an answer: a string of 1 to 64 characters or a safe integer. `1` and `"1"` differ. */
export type RequestId = string | number;

/**
 * One message of the wire, both directions (PROTOCOL.md, section "The envelope"). Every field may be absent;
 * fields that the protocol does not know are not carried over.
 */
export interface Envelope {
  /** The event's name. Names that begin with `$` are the protocol's own. */
  readonly event: string | undefined;
  /** The payload: any JSON value, `undefined` where the field was absent. */
  readonly data: unknown;
  /** The sender asks for exactly one answer that carries this value as `ack`. */
  readonly id: RequestId | undefined;
  /** This message answers the request of that id. */
  readonly ack: RequestId | undefined;
  /** Beside `id`: the sender takes many values. */
  readonly stream: boolean;
  /** Beside `ack`: one value of a stream, more may follow. */
  readonly more: boolean;
  /** Whatever travels beside the payload: `traceparent`, `key`, `token`. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** In the place of `event`: a message of the microservice protocol. */
  readonly packet: Packet | undefined;
}

/** What an `exception` carries (PROTOCOL.md, section "Exceptions"). */
export interface ExceptionPayload {
  readonly status: 'error';
  readonly message: unknown;
  /** A stable word, on the protocol's own refusals only. */
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
} as const;

/** The protocol's own refusals: one of {@link EXCEPTION_CODES}. */
export type ErrorCode = keyof typeof EXCEPTION_CODES;

/** Why a message was refused, and the id that the answer should carry, where one could be read. */
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

/** What {@link toEnvelope} checks against. */
export interface MessageLimits {
  /** Characters. */
  readonly maxEventNameLength: number;
  /** How deep objects and arrays may be nested. */
  readonly maxJsonDepth: number;
}

/** For texts of this side's own making. */
export const UNLIMITED: MessageLimits = { maxEventNameLength: Infinity, maxJsonDepth: Infinity };

/** Characters. */
export const MAX_ID_LENGTH = 64;
const hasOwn = Object.prototype.hasOwnProperty;

/** Own properties only: what somebody put on `Object.prototype` must never look like a field. */
function own(object: Record<string, unknown>, key: string): unknown {
  const value = object[key];
  return value === undefined || hasOwn.call(object, key) ? value : undefined;
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string'
    ? value.length > 0 && value.length <= MAX_ID_LENGTH
    : Number.isSafeInteger(value);
}

/** Checks a parsed message and gives it a fixed shape, or says why it is none. */
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
    // a message may have many values, and $cancel reaches it while it waits
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
