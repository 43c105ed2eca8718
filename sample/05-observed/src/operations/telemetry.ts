import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { instrument } from 'nestjs-envelope/opentelemetry';

const MAX_SPANS = 200;

/** The metrics in the format of Prometheus. GET /metrics serves them. */
export const prometheus = new PrometheusExporter({ preventServerStart: true });

/**
 * Keeps the last spans in memory. A real application has an OTLP exporter here; this sample works without a collector.
 */
class LastSpans implements SpanProcessor {
  /** Newest first. */
  readonly all: ReadableSpan[] = [];

  onStart(): void {}
  onEnd(span: ReadableSpan): void {
    this.all.unshift(span);
    this.all.length = Math.min(this.all.length, MAX_SPANS);
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

/** GET /traces shows them. */
export const lastSpans = new LastSpans();

/**
 * Sets up OpenTelemetry as in any application. Only the last line is for nestjs-envelope. Call this before you create
 * the adapter.
 */
export function startTelemetry(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [lastSpans] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [prometheus] }));
  instrument();
}
