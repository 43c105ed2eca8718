import type { HandlerTrace } from '../../server/diagnostics/handler-trace.js';
import { isAbort } from '../../server/socket/abort-error.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { isClientFault, toExceptionPayload } from '../errors/envelope-exception-filter.js';

/** The message whose handlers have failed. */
export interface FailedMessage {
  readonly client: EnvelopeSocket;
  readonly event: string;
  /** Whether the signal of its handlers was aborted. */
  readonly isAborted: boolean;
}

/**
 * Logs an error that no exception filter has handled, unless it is a client's fault.
 *
 * @returns what the client receives; `undefined` if the handler threw because of its signal: nobody waits for an answer
 */
export function reportThrown(
  { client, event, isAborted }: FailedMessage,
  error: unknown,
  trace: HandlerTrace | undefined,
): object | undefined {
  if (isAbort(error, isAborted)) return undefined;
  trace?.fail(error);
  if (!isClientFault(error)) client._report(error, `"${event}" threw`, event);
  return toExceptionPayload(error);
}

/** Logs what a source of values throws when it is closed, unless its signal is the reason. */
export function reportThrownAtEnd({ client, event, isAborted }: FailedMessage, error: unknown): void {
  if (isAbort(error, isAborted)) return;
  client._report(error, `the source of "${event}" threw when it was ended`, event);
}
