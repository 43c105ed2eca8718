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

/** The longest value, in characters, that a propagator parses from a client. W3C Trace Context requires 512 for `tracestate`. */
const MAX_LENGTH = 512;

const GETTER: TextMapGetter<Carrier> = {
  keys: (carrier) => Object.keys(carrier),
  get: (carrier, field) => {
    const value = Object.hasOwn(carrier, field) ? carrier[field] : undefined;
    return typeof value === 'string' && value.length <= MAX_LENGTH ? value : undefined;
  },
};

/**
 * Returns the span context that a message or an upgrade request carries, if any. Baggage is ignored: a client's baggage would
 * propagate to every service behind this one.
 */
export function spanOf(carrier: Carrier): SpanContext | undefined {
  const extract = (): SpanContext | undefined =>
    trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier, GETTER));
  const found = attempt(extract, undefined);
  return found !== undefined && isSpanContextValid(found) ? found : undefined;
}

/**
 * Returns the active trace as fields of the global propagator, usually `traceparent` and `tracestate`, for the option `metadata` of
 * `EnvelopeClient`. Returns an empty object outside of a trace. Baggage is not included, because clients could read it.
 *
 * @example
 * new EnvelopeClient({ url: 'http://users:3000', metadata: traceMetadata });
 */
export function traceMetadata(): Record<string, string> {
  const active = context.active();
  const span = trace.getSpanContext(active);
  const carrier: Record<string, string> = {};
  if (span !== undefined && isSpanContextValid(span))
    attempt(() => propagation.inject(propagation.deleteBaggage(active), carrier), undefined);
  return carrier;
}

/** Runs a propagator on input that a client chose. An error in a diagnostics channel's listener would end the process. */
function attempt<Result>(work: () => Result, fallback: Result): Result {
  try {
    return work();
  } catch (error) {
    diag.warn('nestjs-envelope: the propagator threw', error);
    return fallback;
  }
}
