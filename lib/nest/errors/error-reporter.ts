import type { ErrorContext, OnError } from '../options/error-hook.js';
import type { ErrorReporter, ErrorSource } from '../../server/diagnostics/types.js';
import { isCausedByClient } from '../../server/util/client-errors.js';
import { callSafely } from '../../server/util/safe-call.js';
import { isClientFault } from './envelope-exception-filter.js';
import { RoomLimitError } from './room-limit-error.js';

/** Logs an error; `subject` is the key to count by. */
type LogError = (error: unknown, where: string, subject: string) => void;

/** Returns the function that logs the errors of one adapter, and passes them to the option `onError`. */
export function errorReporter(log: LogError, onError: OnError | undefined): ErrorReporter {
  return (error, where, subject = where, source = NO_SOURCE) => {
    // the join that was refused is in the log already
    if (source.isExpected !== true && !(error instanceof RoomLimitError)) log(error, where, subject);
    if (onError === undefined || isClientFault(error) || isCausedByClient(error)) return;
    const failed = (thrown: unknown): void =>
      log(thrown, 'the option onError failed', 'the option onError failed');
    callSafely(() => onError(error, contextOf(where, source)), failed);
  };
}

const NO_SOURCE: ErrorSource = {};

function contextOf(where: string, { client, event, kind }: ErrorSource): ErrorContext {
  const known = kind ?? (event !== undefined ? 'message' : client !== undefined ? 'connection' : 'server');
  return { kind: known, where, client: client as ErrorContext['client'], event };
}
