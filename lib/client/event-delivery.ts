import { callListener, type AnyFunction } from './listeners.js';
import { isRequestId, type Codec, type Encoded, type Message } from './message.js';

/** Sends one answer on the connection on which the request arrived. */
type Respond = (answer: Encoded) => void;

/**
 * Calls the listeners of one event. If the event is a request, the first answer counts: the value that a listener returns or
 * resolves to, or passes to the callback, which is its last argument. A listener that declares the callback and returns
 * `undefined` answers only through the callback.
 */
export function deliver(
  { event, data, id }: Message,
  listeners: readonly AnyFunction[],
  write: Codec['write'],
  respond: Respond,
): void {
  if (!isRequestId(id)) {
    for (const listener of listeners) callListener(listener, [data]);
    return;
  }
  let isAnswered = false;
  const send = (name: string, value: unknown): void => {
    if (isAnswered) return;
    const encoded = write({ event: name, data: value, ack: id });
    isAnswered = true;
    respond(encoded);
  };
  const answer = (value?: unknown): void => {
    try {
      send(event!, value);
    } catch (error) {
      // answer the request, and throw to the listener as well, which may call the callback at any time
      fail(error);
      throw error;
    }
  };
  const fail = (error: unknown): void => send('exception', { status: 'error', message: messageOf(error) });
  if (listeners.length === 0) return fail(`no listener for "${event}"`);
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

/** Refuses a message that has both `id` and `ack`: it is neither a request nor an answer. */
export function refuseBoth(
  id: unknown,
  connection: { readonly write: Codec['write']; send(answer: Encoded): unknown },
): void {
  if (!isRequestId(id)) return;
  const data = { status: 'error', message: 'a message must not have both id and ack' };
  connection.send(connection.write({ event: 'exception', data, ack: id }));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
