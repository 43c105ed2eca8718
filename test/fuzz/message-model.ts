import { bracketDepth, faultsOf, isUsableId } from './envelope-model.js';
import { isUtf8 } from './rfc6455.js';
import { RESERVED } from '../support/names.js';

/** A model of the responses of a {@link FuzzGateway}, written from PROTOCOL.md. */

/** One received message. */
export interface Answer {
  event?: unknown;
  data?: unknown;
  ack?: unknown;
  more?: unknown;
  [other: string]: unknown;
}

/** The expected responses to one message, in order. */
export interface Expected {
  /** The id that all of them carry. */
  ack: unknown;
  answers: { matches: (answer: Answer) => boolean; isLast: boolean }[];
  /** The message, for errors. */
  text: string;
}

const LIMITS = { maxEventNameLength: 256, maxJsonDepth: 64 };
const STRIKES = 10;

const json = (value: unknown): string => (JSON.stringify(value) as string | undefined) ?? 'null';
const is = (answer: Answer, event: unknown, data: unknown): boolean =>
  answer.event === event && json(answer.data) === json(data);
const refuses = (answer: Answer, codes: ReadonlySet<string>): boolean => {
  const payload = answer.data as { status?: unknown; code?: unknown } | undefined;
  return answer.event === 'exception' && payload?.status === 'error' && codes.has(String(payload.code));
};

/** Follows one connection: the expected responses to each message, and when too many were malformed. */
export class MessageModel {
  readonly expected: Expected[] = [];
  /** The used ids. */
  private readonly used = new Set<unknown>();
  private strikes = 0;

  /** Whether the server must close with 1008. */
  get isClosed(): boolean {
    return this.strikes >= STRIKES;
  }

  /** Adds a message. Returns `false` when its outcome is undefined: it must not be sent. */
  add(payload: Buffer): boolean {
    const text = payload.toString();
    if (bracketDepth(text) > LIMITS.maxJsonDepth / 2) return false;
    let message: unknown;
    try {
      message = isUtf8(payload) ? JSON.parse(text) : undefined;
    } catch {
      return this.strike(text, undefined, new Set(['bad_frame']));
    }
    const faults = faultsOf(message, LIMITS);
    const given = Object(message) as Answer & { id?: unknown };
    const id = isUsableId(given.id) ? given.id : undefined;
    if (id !== undefined && this.used.has(Object.is(id, -0) ? 0 : id)) return false;
    if (faults.size === 0 && given.ack !== undefined) return true; // a response without a request
    if (id !== undefined) this.used.add(id);
    if (faults.size > 0) return this.strike(text, id, faults);
    // a message of the microservice protocol, which has no handler here
    if (given.event === undefined) return this.strike(text, id, new Set(['bad_event']));
    const event = given.event as string;
    if (
      [...RESERVED, 'exception'].includes(event) ||
      (event.startsWith('$') && !['$ping', '$cancel', '$auth'].includes(event))
    )
      return this.strike(text, id, new Set(['reserved_event']));
    if (event === '$auth') {
      if (!hasCredentials(given)) return this.strike(text, id, new Set(['bad_frame']));
      // no guard checks it here; whether it resets the count of malformed messages is undefined
      if (this.strikes > 0) return false;
    }
    this.strikes = 0;
    this.expected.push({ ack: id, text, answers: answersTo(given, id !== undefined) });
    return true;
  }

  private strike(text: string, ack: unknown, codes: ReadonlySet<string>): true {
    this.strikes++;
    this.expected.push({
      ack,
      text,
      answers: [{ matches: (answer) => refuses(answer, codes), isLast: true }],
    });
    return true;
  }
}

/** Whether it is a reply with an event of the application, as a handler may return it. */
function isReply(value: unknown): value is { event: string; data?: unknown } {
  if (typeof value !== 'object' || value === null) return false;
  const { event, data: _, ...others } = Object.fromEntries(Object.entries(value)) as Answer;
  return typeof event === 'string' && event !== '' && Reflect.ownKeys(others).length === 0;
}

/** Whether `$auth` has an object as data, or a token. */
function hasCredentials({ data, meta }: Answer): boolean {
  if (Object.prototype.toString.call(data) === '[object Object]') return true;
  return typeof Object.getOwnPropertyDescriptor(Object(meta), 'token')?.value === 'string';
}

function answersTo({ event, data, stream }: Answer, isRequest: boolean): Expected['answers'] {
  const one = (matches: (answer: Answer) => boolean): Expected['answers'] => [{ matches, isLast: true }];
  const none = (name: unknown): Expected['answers'] =>
    isRequest ? one((answer) => is(answer, name, undefined) && !('data' in answer)) : [];
  switch (event) {
    case '$ping':
    case '$cancel':
    case 'void':
      return none(event);
    case 'list':
      return one((answer) => is(answer, event, [data]));
    case 'by hand':
      return one((answer) => is(answer, event, 'done'));
    case 'echo': {
      const [name, value] = isReply(data) ? [data.event, data.data] : [event, data];
      const isSilent = !isRequest && (value === undefined || value === null);
      return isSilent ? [] : one((answer) => is(answer, name, value));
    }
    case 'two': {
      const value = (number: number) => (answer: Answer) => is(answer, event, number);
      if (!isRequest) return [...one(value(1)), ...one(value(2))];
      if (stream !== true) return one(value(1));
      return [{ matches: value(1), isLast: false }, { matches: value(2), isLast: false }, ...none(event)];
    }
    case 'boom':
      return one(
        ({ event: name, data: payload }) =>
          name === 'exception' &&
          json(payload) === json({ status: 'error', message: 'no', cause: { pattern: event, data } }),
      );
    default:
      return one((answer) => refuses(answer, new Set(['unknown_event'])));
  }
}
