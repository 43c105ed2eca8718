import type { Attributes } from '@opentelemetry/api';
import { isClientFault } from '../nest/errors/envelope-exception-filter.js';
import type { HandlerOutcome, HandlerTrace } from '../server/diagnostics/handler-trace.js';
import { INTERNAL_ERROR } from '../server/socket/incoming-request.js';

/**
 * Names of the semantic conventions 1.45 (those for messaging are "in development"), and our own under `envelope.`.
 * Written out: the package of the conventions would be one more dependency for a dozen texts.
 */
export const NAMES = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  messageId: 'messaging.message.id',
  errorType: 'error.type',
  status: 'http.response.status_code',
  direction: 'network.io.direction',
  connection: 'envelope.connection.id',
  request: 'envelope.request.id',
  event: 'envelope.event',
  outcome: 'envelope.outcome',
  code: 'envelope.code',
  exception: 'envelope.exception',
  reason: 'envelope.disconnect.reason',
  closeCode: 'envelope.close.code',
  drop: 'envelope.drop.reason',
  limit: 'envelope.limit',
  state: 'envelope.cluster.state',
} as const;

/** What stands for all values that are the clients' choice. */
export const OTHER = '_OTHER';

/** What every figure and span about a message has. The route is the declared one: names of paths may be the clients' choice. */
export function messaging(operation: string, route: string): Attributes {
  return { [NAMES.system]: 'envelope', [NAMES.operation]: operation, [NAMES.destination]: route };
}

/** The same attributes are the same object: to make them anew for each message costs more than to count it. Words are the program's own, and few. */
export function eachOnce<Words extends readonly (string | undefined)[]>(
  make: (...words: Words) => Attributes,
): (...words: Words) => Attributes {
  const made = new Map<string, Attributes>();
  return (...words) => {
    const key = words.join('\n');
    let attributes = made.get(key);
    if (attributes === undefined) made.set(key, (attributes = make(...words)));
    return attributes;
  };
}

/** What became of an event, and whether the server is to blame. */
export interface Ending {
  /** As {@link HandlerTrace.outcome}, but what a handler threw for the client to see is `refused`, too. */
  readonly outcome: HandlerOutcome;
  /** The class of what went wrong on the server's side. */
  readonly errorType: string | undefined;
}

export function endingOf({ outcome, error }: HandlerTrace): Ending {
  if (outcome !== 'error') return { outcome, errorType: undefined };
  if (isTheClients(error)) return { outcome: 'refused', errorType: undefined };
  return { outcome, errorType: classOf(error) };
}

/** As in HTTP, where a 4xx is no error of the server's span. */
function isTheClients(error: unknown): boolean {
  // of a microservice's handler only what its exception filter made of the error is seen
  if (isPayload(error)) return error.message !== INTERNAL_ERROR.message;
  return isClientFault(error);
}

function isPayload(error: unknown): error is { status: 'error'; message?: unknown } {
  return (
    typeof error === 'object' &&
    error !== null &&
    !(error instanceof Error) &&
    Reflect.get(error, 'status') === 'error'
  );
}

/** A class is the program's; names and messages of errors may hold anything. */
export function classOf(error: unknown): string {
  if (!(error instanceof Error)) return OTHER;
  // not the error's own: whoever copies a payload onto one lets its sender name it
  const { constructor }: { constructor?: unknown } = Object.getPrototypeOf(error) as object;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : OTHER;
}
