import { AsyncLocalStorage } from 'node:async_hooks';
import type { Envelope } from '../../protocol/envelope.js';
import { channels } from './channels.js';
import { HandlerTrace } from './handler-trace.js';
import type { ObservedSocket } from './types.js';

const { handlerStart, handlerEnd, handlerError } = channels;

const PUBLISHER = {
  end: (trace: HandlerTrace): void => handlerEnd.publish(trace),
  error: (trace: HandlerTrace): void => handlerError.publish(trace),
};

/** Entered only while a channel has subscribers: on Node 20 an active store slows down every promise of the process. */
const traces = new AsyncLocalStorage<HandlerTrace>();

/** Returns whether a channel of handlers has subscribers. */
export function isTraced(): boolean {
  return handlerStart.hasSubscribers || handlerEnd.hasSubscribers || handlerError.hasSubscribers;
}

/** Runs the handlers of an event, and publishes their start, end and error. */
export function runTraced(socket: ObservedSocket, envelope: Envelope, work: () => void): void {
  const trace = new HandlerTrace(socket, envelope, PUBLISHER);
  handlerStart.publish(trace);
  try {
    trace.run(() => traces.run(trace, work));
  } finally {
    trace.release();
  }
}

/** Returns the trace of the event that the running code handles; `undefined` without subscribers. */
export function currentTrace(): HandlerTrace | undefined {
  return isTraced() ? traces.getStore() : undefined;
}
