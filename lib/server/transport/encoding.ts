import { isUtf8 } from 'node:buffer';
import { addOffset, decode, encodeAnswer, encodeEvent } from '../../protocol/codec.js';
import { Refusal, type Envelope, type MessageLimits, type RequestId } from '../../protocol/envelope.js';
import type { Message } from './message.js';

/** An encoded message: text, or the bytes of a binary one. */
export type Encoded = string | Buffer;

/** How messages look on a connection: one constant object for each kind of wire. */
export interface Encoding {
  /**
   * Encodes an event, with an `id` where it is a request.
   *
   * @throws TypeError on data that the encoding cannot carry
   */
  event(event: string, data: unknown, id?: RequestId, meta?: object): Encoded;
  /**
   * Encodes the answer to a request; with `more`, one value of its stream.
   *
   * @throws TypeError on data that the encoding cannot carry
   */
  answer(event: string, data: unknown, id: RequestId, more: boolean): Encoded;
  /** Adds the position in the log to an encoded event, for clients that can resume their session. */
  withOffset(message: Encoded, offset: string): Encoded;
  /** Reads a message, or says why it is refused. */
  decode(data: Message, isBinary: boolean, limits: MessageLimits): Envelope | Refusal;
}

/** The JSON envelope of PROTOCOL.md. */
export const ENVELOPE: Encoding = {
  event: (event, data, id, meta) => encodeEvent(event, data, id, false, meta),
  answer: encodeAnswer,
  withOffset: (message, offset) => addOffset(message as string, offset),
  decode(data, isBinary, limits) {
    if (typeof data === 'string') return decode(data, limits);
    // `ws` has checked the encoding of text messages
    if (isBinary && !isUtf8(data)) return new Refusal('bad_frame', 'a message must be UTF-8 JSON');
    return decode(data.toString(), limits);
  },
};
