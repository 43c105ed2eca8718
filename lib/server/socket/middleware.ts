import type { ErrorCode, ExceptionPayload } from '../../protocol/envelope.js';
import { callSafely } from '../util/safe-call.js';

/** One step of a chain: gets the subject and calls `next`, with an error to end the chain. */
export type Step<Subject> = (subject: Subject, next: (error?: Error) => void) => void;

/**
 * Runs the steps in order and calls back once, with the first error or with none. A step that throws, or whose
 * promise rejects, ends the chain as `next(error)` does; a second call of `next` is ignored.
 *
 * @param late gets what a step throws after it has called `next`, when the chain has gone on
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
      else done(error instanceof Error ? error : new Error(String(error)));
    };
    callSafely(
      () => step(subject, next),
      (error) => (called ? late(error) : next(error)),
    );
  };
  run(0);
}

/** What a client is told of the error that ended a chain: its message, and its `data` where it has one. */
export function toException(error: Error, code?: ErrorCode): ExceptionPayload {
  const data: unknown = Reflect.get(error, 'data');
  return {
    status: 'error',
    ...(code === undefined ? {} : { code }),
    message: error.message,
    ...(data === undefined ? {} : { data }),
  };
}
