import {
  context,
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

/** Baggage would go on into every service behind this one, and to clients what those services have in it. */
const isRead = (field: string): boolean => field !== 'baggage';

const GETTER: TextMapGetter<Carrier> = {
  keys: (carrier) => Object.keys(carrier).filter(isRead),
  get: (carrier, field) => {
    const value = isRead(field) && Object.hasOwn(carrier, field) ? carrier[field] : undefined;
    return typeof value === 'string' && value.length <= MAX_LENGTH ? value : undefined;
  },
};

/** The span that a message or an upgrade request names, where it names one. */
export function spanOf(carrier: Carrier): SpanContext | undefined {
  const found = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier, GETTER));
  return found !== undefined && isSpanContextValid(found) ? found : undefined;
}

/**
 * The active trace in the words of the global propagator, `traceparent` and `tracestate` as a rule, for
 * `EnvelopeClient`'s option `metadata`. Empty outside of a trace. Without baggage.
 */
export function traceMetadata(): Record<string, string> {
  const active = context.active();
  const span = trace.getSpanContext(active);
  const carrier: Record<string, string> = {};
  if (span !== undefined && isSpanContextValid(span))
    propagation.inject(propagation.deleteBaggage(active), carrier);
  return carrier;
}
