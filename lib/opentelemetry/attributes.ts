import type { Attributes } from '@opentelemetry/api';
import { isClientFault } from '../nest/errors/envelope-exception-filter.js';
import type { HandlerOutcome, HandlerTrace } from '../server/diagnostics/handler-trace.js';
import { INTERNAL_ERROR } from '../server/socket/incoming-request.js';

/**
 * Attribute names: those of the semantic conventions 1.45 (the messaging ones are "in development"), and this package's own, which
 * begin with `envelope.`. They are written out, because the conventions' package would be one more dependency for a dozen
 * strings.
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
  refusal: 'envelope.refusal.reason',
  drop: 'envelope.drop.reason',
  limit: 'envelope.limit',
  state: 'envelope.cluster.state',
} as const;

/** Replaces every value that a client can choose, so that a client cannot create time series, and a value that is not known. */
export const OTHER = '_OTHER';

/**
 * Returns the attributes of every metric and span about messages. `route` is the declared path: with a pattern, a client chooses the
 * actual one.
 */
export function messaging(operation: string, route: string): Attributes {
  return { [NAMES.system]: 'envelope', [NAMES.operation]: operation, [NAMES.destination]: route };
}

/**
 * Caches attributes by their values: creating them for each message costs more than counting the message. The values must be few
 * and not chosen by clients, because the cache has no limit.
 */
export function cachedAttributes<Values extends readonly (string | undefined)[]>(
  make: (...values: Values) => Attributes,
): (...values: Values) => Attributes {
  const cache = new Map<string, Attributes>();
  return (...values) => {
    const key = values.join('\n');
    let attributes = cache.get(key);
    if (attributes === undefined) cache.set(key, (attributes = make(...values)));
    return attributes;
  };
}

/** The outcome of an event, and the server's error, if any. */
export interface Outcome {
  /** As {@link HandlerTrace.outcome}, but `refused` also if a handler threw an error for the client, such as a 4xx exception. */
  readonly outcome: HandlerOutcome;
  /** The class of the error, if the server caused it. */
  readonly errorType: string | undefined;
}

/** Returns the outcome of a handled event. An error that the client caused is not an error of the server. */
export function outcomeOf({ outcome, error }: HandlerTrace): Outcome {
  if (outcome !== 'error') return { outcome, errorType: undefined };
  if (isCausedByClient(error)) return { outcome: 'refused', errorType: undefined };
  return { outcome, errorType: classOf(error) };
}

/** As in HTTP, where a 4xx status does not mark the server's span as failed. */
function isCausedByClient(error: unknown): boolean {
  // for a microservice handler only the result of its exception filter is visible
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

/** Returns the name of the error's class. The program chooses it, while `name` and `message` may contain client data. */
export function classOf(error: unknown): string {
  if (!(error instanceof Error)) return OTHER;
  // not error.constructor: a program that copies a payload onto an error would let the client choose it
  const { constructor }: { constructor?: unknown } = Object.getPrototypeOf(error) as object;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : OTHER;
}
