import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { instrument } from 'nestjs-envelope/opentelemetry';

const KEPT_SPANS = 200;

/** The figures, as Prometheus reads them: GET /metrics asks it. */
export const prometheus = new PrometheusExporter({ preventServerStart: true });

/** In the place of an OTLP exporter and the service behind it, so that nothing need be installed. */
const spans = new InMemorySpanExporter();

/** OpenTelemetry as any application sets it up; the last line is all that concerns nestjs-envelope. Before the adapter is made. */
export function startTelemetry(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
  );
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [prometheus] }));
  instrument();
}

/** The newest first. */
export function lastSpans(): ReadableSpan[] {
  const all = spans.getFinishedSpans();
  if (all.length > 10 * KEPT_SPANS) spans.reset();
  return all.slice(-KEPT_SPANS).reverse();
}
