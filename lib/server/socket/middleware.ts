import type { ErrorCode, ExceptionPayload } from '../../protocol/envelope.js';
import { callSafely } from '../util/safe-call.js';

/** A middleware: gets the subject, and calls `next`, with an error to refuse it. */
export type Step<Subject> = (subject: Subject, next: (error?: Error) => void) => void;

/**
 * Runs middlewares in order and calls back once, with the first error or without one. A middleware that throws, or whose
 * promise rejects, ends the chain as `next(error)` does; a second call of `next` is ignored.
 *
 * @param late gets what a middleware throws after it has called `next`
 */
export function runChain<Subject>(
  steps: readonly Step<Subject>[],
  subject: Subject,
  done: (error: Error | undefined) => void,
  late: (error: unknown) => void,
): void {
  const run = (index: number): void => {
    const step = steps[index];
    if (step === undefined) return done(undefined);
    let called = false;
    const next = (error?: unknown): void => {
      if (called) return;
      called = true;
      if (error === undefined || error === null) run(index + 1);
      else done(toError(error));
    };
    callSafely(
      () => step(subject, next),
      (error) => (called ? late(error) : next(error)),
    );
  };
  run(0);
}

/** Socket.IO takes any object with a message, and so do applications that were written for it. */
function toError(error: unknown): Error {
  if (error instanceof Error) return error;
  const { message, data } = Object(error) as { message?: unknown; data?: unknown };
  const refusal = new Error(String(error));
  if (typeof message === 'string') refusal.message = message;
  return data === undefined ? refusal : Object.assign(refusal, { data });
}

/** Returns what a client receives of an error that a middleware refused it with: the message, and `data` if it has any. */
export function toException(error: Error, code?: ErrorCode): ExceptionPayload {
  const data: unknown = Reflect.get(error, 'data');
  return {
    status: 'error',
    ...(code === undefined ? {} : { code }),
    message: error.message,
    ...(data === undefined ? {} : { data }),
  };
}
