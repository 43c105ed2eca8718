import { AsyncLocalStorage } from 'node:async_hooks';
import type { Envelope } from '../../protocol/envelope.js';
import { channels } from './channels.js';
import { HandlerTrace } from './handler-trace.js';
import type { ObservedSocket } from './types.js';

const { handlerStart, handlerEnd, handlerError } = channels;

const LISTENERS = {
  end: (trace: HandlerTrace): void => handlerEnd.publish(trace),
  error: (trace: HandlerTrace): void => handlerError.publish(trace),
};

/** Entered only while somebody listens: on Node 20 it makes each promise of a process dearer. */
const traces = new AsyncLocalStorage<HandlerTrace>();

/** Whether somebody wants to hear of handlers. */
export function isTraced(): boolean {
  return handlerStart.hasSubscribers || handlerEnd.hasSubscribers || handlerError.hasSubscribers;
}

/** Hands an event to its handlers, and tells of it. */
export function trace(socket: ObservedSocket, envelope: Envelope, work: () => void): void {
  const one = new HandlerTrace(socket, envelope, LISTENERS);
  handlerStart.publish(one);
  try {
    one.run(() => traces.run(one, work));
  } finally {
    one.release();
  }
}

/** The event that the running code works for; `undefined` where nobody listens. */
export function currentTrace(): HandlerTrace | undefined {
  return isTraced() ? traces.getStore() : undefined;
}
