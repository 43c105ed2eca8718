import { createHash } from 'node:crypto';
import { Refusal, type ErrorCode } from '../protocol/envelope.js';
import { isRecord } from '../protocol/json.js';
import { INTERNAL_ERROR } from '../server/socket/incoming-request.js';

/** Bytes of the largest answer that is kept. */
const MAX_KEPT = 65_536;
/** Statuses of exceptions that time may cure: Request Timeout, Too Early, Too Many Requests. */
const TEMPORARY: ReadonlySet<unknown> = new Set([408, 425, 429]);
/** Refusals of the protocol after which a client sends the request again. */
const RETRIED: ReadonlySet<unknown> = new Set<ErrorCode>(['rate_limited', 'going_away', 'unavailable']);

/** The final answer to a request. */
export interface Answer {
  /** `exception`, or the name that the handler gave the answer. */
  readonly event: string;
  /** The data as JSON; `undefined`: none. */
  readonly text: string | undefined;
}

/** A stored value: a claim with `by`, or an answer. */
interface StoredRecord {
  /** Says which data the request had. */
  readonly digest: string;
  /** A random text of the node that runs the handler. */
  readonly by?: string;
  /** Absent if the answer was too large. */
  readonly answer?: Answer;
}

/** Returns the answer of a refusal. */
export function refusalAnswer(code: ErrorCode, message: string): Answer {
  return { event: 'exception', text: JSON.stringify(new Refusal(code, message).toPayload()) };
}

/** Returns the text to store for an answer; `undefined` if the same request shall run again. */
export function recordOf(answer: Answer, digest: string): string | undefined {
  if (answer.event === 'exception' && isTemporary(answer)) return undefined;
  const record: StoredRecord =
    Buffer.byteLength(answer.text ?? '') > MAX_KEPT ? { digest } : { digest, answer };
  return JSON.stringify(record);
}

/** @throws SyntaxError if another program wrote the value */
export function readRecord(text: string): StoredRecord {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || typeof value['digest'] !== 'string')
    throw new SyntaxError('it is no record of @Once()');
  return value as unknown as StoredRecord;
}

/** Returns the data of an answer. */
export function dataOf({ text }: Answer): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

/** Returns a short text that differs for other values. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('base64url');
}

function isTemporary(answer: Answer): boolean {
  const data = dataOf(answer);
  if (!isRecord(data)) return false;
  const { statusCode, code, message } = data;
  if (typeof statusCode === 'number') return statusCode >= 500 || TEMPORARY.has(statusCode);
  return RETRIED.has(code) || (code === undefined && message === INTERNAL_ERROR.message);
}
