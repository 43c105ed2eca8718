import { callListener, type AnyFunction } from './listeners.js';
import { isRequestId, writeFrame, type Frame } from './message.js';

/** Sends one answer on the line that the question came on; there is no other. */
export type Respond = (text: string) => void;

/**
 * Calls the listeners of one event. Where the server asked, the first answer counts: what a listener returns, or
 * resolves to, or gives to the callback that it takes behind the data, where there is any; who takes that does not answer by
 * returning nothing.
 */
export function deliver(
  { event, data, id }: Frame,
  listeners: readonly AnyFunction[],
  respond: Respond,
): void {
  if (!isRequestId(id)) {
    for (const listener of listeners) callListener(listener, [data]);
    return;
  }
  let isAnswered = false;
  const send = (name: string, value: unknown): void => {
    if (isAnswered) return;
    const text = writeFrame({ event: name, data: value, ack: id });
    isAnswered = true;
    respond(text);
  };
  const answer = (value?: unknown): void => {
    try {
      send(event!, value);
    } catch (error) {
      // the server does not wait in vain, and the listener learns of it, which may call this at any time
      fail(error);
      throw error;
    }
  };
  const fail = (error: unknown): void => send('exception', { status: 'error', message: messageOf(error) });
  if (listeners.length === 0) return fail(`nobody listens to "${event}"`);
  const args = data === undefined ? [answer] : [data, answer];
  for (const listener of listeners) {
    try {
      const returned = (listener as (...args: readonly unknown[]) => unknown)(...args);
      Promise.resolve(returned)
        .then((value) => (value === undefined && listener.length >= args.length) || answer(value))
        .catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
