import {
  context,
  diag,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  trace,
  type SpanContext,
  type TextMapGetter,
} from '@opentelemetry/api';

type Carrier = Readonly<Record<string, unknown>>;

/** What a client may make propagators parse: W3C asks for 512 characters of `tracestate`. */
const MAX_LENGTH = 512;

const GETTER: TextMapGetter<Carrier> = {
  keys: (carrier) => Object.keys(carrier),
  get: (carrier, field) => {
    const value = Object.hasOwn(carrier, field) ? carrier[field] : undefined;
    return typeof value === 'string' && value.length <= MAX_LENGTH ? value : undefined;
  },
};

/**
 * The span that a message or an upgrade request names, where it names one. Nothing else of what they carry: baggage
 * would go on into every service behind this one.
 */
export function spanOf(carrier: Carrier): SpanContext | undefined {
  const extract = (): SpanContext | undefined =>
    trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier, GETTER));
  const found = attempt(extract, undefined);
  return found !== undefined && isSpanContextValid(found) ? found : undefined;
}

/**
 * The active trace in the words of the global propagator, `traceparent` and `tracestate` as a rule, for
 * `EnvelopeClient`'s option `metadata`. Empty outside of a trace. Without baggage, which clients would read, too.
 */
export function traceMetadata(): Record<string, string> {
  const active = context.active();
  const span = trace.getSpanContext(active);
  const carrier: Record<string, string> = {};
  if (span !== undefined && isSpanContextValid(span))
    attempt(() => propagation.inject(propagation.deleteBaggage(active), carrier), undefined);
  return carrier;
}

/** Any client chooses what propagators parse, and what one throws in a channel's listener would end the process. */
function attempt<Result>(work: () => Result, otherwise: Result): Result {
  try {
    return work();
  } catch (error) {
    diag.warn('nestjs-envelope: the propagator threw', error);
    return otherwise;
  }
}
