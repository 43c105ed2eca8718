import { writePayload } from '../protocol/payload.js';
import { textOf } from './web-socket.js';

/** The fields of a server message that this client reads. */
export interface Message {
  readonly event?: string;
  readonly data?: unknown;
  readonly id?: string | number;
  readonly ack?: string | number;
  readonly more?: boolean;
  readonly offset?: string;
  readonly meta?: unknown;
}

/** A message that this client sends. */
export interface OutgoingMessage extends Omit<Message, 'offset' | 'more' | 'meta'> {
  readonly stream?: true | undefined;
  readonly meta?: object | undefined;
}

/** The data of `$session`, the first message of a server that speaks `envelope.v1` (PROTOCOL.md describes it). */
export interface SessionInfo {
  readonly id?: string | undefined;
  readonly recovered?: boolean;
  readonly session?: string | undefined;
  /** When the connection expires, in milliseconds since 1970, by the server's clock. */
  readonly expiresAt?: unknown;
  /** Milliseconds until then. */
  readonly expiresIn?: unknown;
  /** What the server can do. */
  readonly features?: readonly unknown[];
}

/** Parses a message. The result has no fields if the text is not a JSON object: a server may send anything. */
export function readMessage(text: string): Message {
  try {
    return Object(JSON.parse(text)) as Message;
  } catch {
    return {};
  }
}

/** Whether a message that arrives before `$session` refuses this client. The server closes the connection after it. */
export function isRefusal({ event, data, ack }: Message): boolean {
  return (
    event === 'exception' && ack === undefined && (Object(data) as { code?: unknown }).code === 'refused'
  );
}

/** Whether `id` is a request id, which an answer can carry. */
export function isRequestId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

/** Reads the data of `$session`. Fields of an unexpected type are `undefined`. */
export function readSession(data: unknown): SessionInfo {
  const { id, recovered, session, features, expiresAt, expiresIn } = Object(data) as Record<string, unknown>;
  return {
    id: textOrUndefined(id),
    recovered: recovered === true,
    session: textOrUndefined(session),
    expiresAt,
    expiresIn,
    features: Array.isArray(features) ? features : [],
  };
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Writes a message without the fields that are `undefined`. The server's faster encoder would not pay off for the few messages
 * of a client.
 *
 * @throws TypeError that names the event and the place in the data, if JSON cannot carry it
 */
export function writeMessage(message: OutgoingMessage): string {
  return writePayload(message.data, message.event!, 'data', message)!;
}

/**
 * How messages look on the connection: JSON, or what `messagePack()` of `nestjs-envelope/client/msgpack` returns. The option
 * `codec`.
 */
export interface Codec {
  /** The subprotocol that the client offers (PROTOCOL.md, section 3). */
  readonly protocol: string;
  /**
   * Encodes a message.
   *
   * @throws TypeError that names the event and the place in the data, if it cannot be carried
   */
  readonly write: (message: OutgoingMessage) => Encoded;
  /** Decodes a message. Never throws: a server may send anything, and an object without fields is ignored. */
  readonly read: (data: unknown) => Message;
}

/** An encoded message. */
export type Encoded = string | ArrayBuffer;

/** The messages of `envelope.v1`. */
export const JSON_CODEC: Codec = {
  protocol: 'envelope.v1',
  write: writeMessage,
  read: (data) => readMessage(textOf(data)),
};
