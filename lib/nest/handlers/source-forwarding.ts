import type { Observable } from 'rxjs';
import { callSafely } from '../../server/util/safe-call.js';
import { requestContext, type IncomingRequest } from '../../server/socket/incoming-request.js';
import {
  IterableSource,
  isIterableSource,
  iterableSourceOf,
  setSubscriber,
  type Consumer,
} from './iterable-source.js';
import { ValueSink } from './value-sink.js';

/** Receives the values of the sources that handlers return. */
export interface SourceTarget extends Consumer {
  /** Whether no further values are needed. */
  readonly isOver: boolean;
  /** The request that exception filters answer; `undefined`: the exception is a message. */
  readonly request: IncomingRequest | undefined;
  /** Takes one value. @returns whether the target takes more */
  forward(value: unknown): boolean;
  /** Counts the source as a stream, since it may never end. */
  countAsStream(): void;
  /** Takes the error of an iterable among the values. */
  fail(error: unknown): void;
  /** Calls `stop` when no further values are needed. @returns a function that removes the callback */
  onStop(stop: () => void): () => void;
}

/**
 * Subscribes to a source and passes its values on. Rejects with the error of the source.
 *
 * @param isResult whether the handler returned this source. Iterables among its values are flattened; those among the
 * values of an inner source are passed on as they are
 */
export function forwardValues(
  target: SourceTarget,
  source: Observable<unknown>,
  isResult: boolean,
): Promise<void> {
  if (target.isOver) {
    closeUnused(target, iterableSourceOf(source));
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    let pending: Promise<void>[] | undefined;
    const onValue = (value: unknown): boolean => {
      if (!isResult || !isIterableSource(value)) return target.forward(value);
      // an interceptor may have mapped a value to an iterable
      const inner = forwardValues(target, new IterableSource(value), false);
      (pending ??= []).push(inner.catch((reason) => target.fail(reason)));
      target.countAsStream();
      return true;
    };
    const sink = new ValueSink(onValue, (failed) => {
      release();
      if (failed !== undefined)
        reject(failed.error instanceof Error ? failed.error : new Error(String(failed.error)));
      else if (pending === undefined) resolve();
      else void Promise.all(pending).then(() => resolve());
    });
    const release = target.onStop(() => stopSource(target, () => sink.complete()));
    setSubscriber(target);
    // the exception filter runs in the context of the subscription
    if (target.request === undefined) source.subscribe(sink);
    else requestContext.run(target.request, () => source.subscribe(sink));
    setSubscriber(undefined);
  });
}

/** Closes a source without reading it, so that it can release its resources, such as a database cursor. */
function closeUnused(target: SourceTarget, iterable: IterableSource | undefined): void {
  callSafely(
    () => Promise.resolve(iterable?.close()),
    (error) => target.reportEnd(error),
  );
}

function stopSource(target: SourceTarget, stop: () => void): void {
  try {
    stop();
  } catch (error) {
    target.reportEnd(error);
  }
}
