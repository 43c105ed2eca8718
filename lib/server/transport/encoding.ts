import { isUtf8 } from 'node:buffer';
import { addOffset, decode, encodeAnswer, encodeEvent } from '../../protocol/codec.js';
import { Refusal, type Envelope, type MessageLimits, type RequestId } from '../../protocol/envelope.js';
import { encodePacket } from '../../protocol/microservice-packet.js';
import { BASE64 } from './bytes.js';
import type { Message } from './message.js';

/** An encoded message: text, the bytes of a binary one, or several texts and binary messages that belong together. */
export type Encoded = string | Buffer | readonly (string | Buffer)[];

/** Returns the characters of text and the bytes of binary parts. */
export function lengthOf(message: Encoded): number {
  if (typeof message === 'string' || Buffer.isBuffer(message)) return message.length;
  return message.reduce((sum, part) => sum + part.length, 0);
}

/** The first message of an accepted connection. */
export interface Greeting {
  readonly id: string;
  readonly recovered: boolean;
  /** The token of the session, which the client sends to resume it; `undefined`: it cannot. */
  readonly session: string | undefined;
}

/** What a client sends to resume its session. */
export interface ResumeCredentials {
  readonly token: unknown;
  readonly offset: unknown;
}

/**
 * How messages look on a connection, and which protocol they belong to. One object for all connections whose messages
 * look the same, so that a broadcast is encoded once for them.
 */
export interface Encoding {
  /** The protocol: it decides what becomes of the results and errors of handlers. */
  readonly protocol: 'envelope' | 'socket.io';
  /** Whether its messages are the texts of the JSON envelope, as logs store them. */
  readonly isJson: boolean;
  /**
   * Encodes an event with its arguments, and with an `id` where it is a request.
   *
   * @throws TypeError on data that the encoding cannot carry
   */
  event(event: string, args: readonly unknown[], id?: RequestId, meta?: object): Encoded;
  /**
   * Encodes the answer to a request; with `more`, one value of its stream.
   *
   * @param data the payload; in Socket.IO's protocol the list of the arguments of the acknowledgement
   * @throws TypeError on data that the encoding cannot carry
   */
  answer(event: string, data: unknown, id: RequestId, more: boolean): Encoded;
  /**
   * Encodes an answer to a message of a microservice. Only for clients of the envelope protocol.
   *
   * @throws TypeError on a payload that the encoding cannot carry
   */
  packet(
    kind: 'response' | 'error',
    pattern: unknown,
    payload: unknown,
    id: RequestId | undefined,
    more: boolean,
  ): Encoded;
  /** Adds the offset in the log to an encoded event, for clients that can resume their session. */
  withOffset(message: Encoded, offset: string): Encoded;
  /**
   * Encodes the first message of an accepted connection.
   *
   * @param offset the offset of the log that the session begins at
   */
  greeting(greeting: Greeting, offset: string | undefined): Encoded;
  /**
   * Encodes the refusal of a client by a connection middleware.
   *
   * @param payload the error as the data of an `exception`
   */
  refusal(error: Error, payload: object): Encoded;
  /** Returns what a client presents to resume its session, from its credentials. */
  resumeCredentials(auth: Readonly<Record<string, unknown>>): ResumeCredentials;
  /** Reads a message, or says why it is refused. */
  decode(data: Message, isBinary: boolean, limits: MessageLimits): Envelope | Refusal;
}

/** The JSON envelope of PROTOCOL.md. */
export const ENVELOPE: Encoding = {
  protocol: 'envelope',
  isJson: true,
  // one payload: several arguments arrive as a list
  event: (event, args, id, meta) => encodeEvent(event, args.length > 1 ? args : args[0], id, false, meta),
  answer: (event, data, id, more) => encodeAnswer(event, data, id, more),
  packet: encodePacket,
  withOffset: (message, offset) => addOffset(message as string, offset),
  greeting(greeting, offset) {
    const message = encodeEvent('$session', greeting);
    return offset === undefined ? message : addOffset(message, offset);
  },
  refusal: (_, payload) => encodeEvent('exception', payload),
  resumeCredentials: ({ session, offset }) => ({ token: session, offset }),
  decode(data, isBinary, limits) {
    if (typeof data === 'string') return decode(data, limits);
    if (!Buffer.isBuffer(data)) return new Refusal('bad_frame', 'a message must be one JSON object');
    // `ws` has checked the encoding of text messages
    if (isBinary && !isUtf8(data)) return new Refusal('bad_frame', 'a message must be UTF-8 JSON');
    return decode(data.toString(), limits);
  },
};

/** The same, with bytes as base64 text: for servers whose other clients exchange bytes. */
export const ENVELOPE_WITH_BYTES: Encoding = {
  ...ENVELOPE,
  event(event, args, id, meta) {
    const data = args.length > 1 ? args : args[0];
    try {
      return encodeEvent(event, data, id, false, meta);
    } catch {
      // few messages contain bytes: the others pay nothing
      return encodeEvent(event, data, id, false, meta, BASE64);
    }
  },
  answer(event, data, id, more) {
    try {
      return encodeAnswer(event, data, id, more);
    } catch {
      return encodeAnswer(event, data, id, more, BASE64);
    }
  },
};
