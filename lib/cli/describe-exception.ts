import { toJson } from './output.js';

/** Returns one line for the data of an exception: its message, or the list of messages that Nest's validation sends. */
export function describeException(data: unknown): string {
  const { message = data } = Object(data) as { message?: unknown };
  if (typeof message === 'string') return message;
  if (Array.isArray(message) && message.every((part) => typeof part === 'string')) return message.join('; ');
  return message === undefined ? 'the server gives no reason' : toJson(message);
}
