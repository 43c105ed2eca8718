import { invalidArgument, withCode } from '../protocol/with-code.js';
import type { Outbox, StoredMessage } from './outbox.js';

/** The options of {@link reliable}. */
export interface ReliableOptions {
  /** How often a message is sent again before its promise rejects. Waiting for a connection does not count. Default: 5. */
  retries?: number;
  /** Messages under way at a time. With more than one, the server may handle them in another order. Default: 1. */
  parallel?: number;
  /** Milliseconds that the server has to answer each time. Default: 10,000. */
  timeout?: number;
  /**
   * Upper bound of the first pause, in milliseconds. It doubles each time, up to 30,000; the pause is a random part of it.
   * Default: 1,000.
   */
  retryDelay?: number;
  /** Keeps messages until they are answered, so that they survive a reload. Default: none. */
  outbox?: Outbox;
  /**
   * Called when the outbox cannot be read or written: the messages are sent all the same, but they may not survive a reload.
   * Default: a warning in the console.
   */
  onOutboxError?: (error: Error) => void;
  /**
   * Called for each message whose promise rejects and that does not stay in the outbox, also for one that an earlier page has left
   * there.
   */
  onUndelivered?: (message: StoredMessage, error: Error) => void;
}

const TAKES: Readonly<Record<string, [takes: string, accepts: (value: unknown) => boolean]>> = {
  retries: ['a number from 0 on', (value) => typeof value === 'number' && value >= 0],
  parallel: ['a whole number from 1 on', (value) => Number.isInteger(value) && Number(value) >= 1],
  timeout: ['a number from 0 on', (value) => typeof value === 'number' && value >= 0],
  retryDelay: ['a number from 0 on', (value) => typeof value === 'number' && value >= 0],
  outbox: [
    "an object with load and save, such as storageOutbox('chat')",
    (value) =>
      ['load', 'save'].every((name) => typeof Reflect.get(Object(value) as object, name) === 'function'),
  ],
  onOutboxError: ['a function', (value) => typeof value === 'function'],
  onUndelivered: ['a function', (value) => typeof value === 'function'],
};

/** @throws TypeError that names the option, if one is unknown or malformed */
export function checkOptions(options: ReliableOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidArgument(`reliable: options is ${String(options)}: it takes an object, { retries: 5 }`);
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const rule = Object.hasOwn(TAKES, name) ? TAKES[name] : undefined;
    const why =
      rule === undefined
        ? `unknown option "${name}". Valid names: ${Object.keys(TAKES).join(', ')}`
        : value === undefined || rule[1](value)
          ? undefined
          : `${name} is ${String(value)}: it takes ${rule[0]}`;
    if (why !== undefined) throw withCode('ERR_ENVELOPE_INVALID_OPTION', new TypeError(`reliable: ${why}`));
  }
}
