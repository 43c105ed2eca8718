import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, type ReadableSpan, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { instrument } from 'nestjs-envelope/opentelemetry';

const KEPT_SPANS = 200;

/** The figures, as Prometheus reads them: GET /metrics asks it. */
export const prometheus = new PrometheusExporter({ preventServerStart: true });

/** In the place of a processor with an OTLP exporter and the service behind it, so that nothing need be installed. */
class LastSpans implements SpanProcessor {
  /** The newest first. */
  readonly all: ReadableSpan[] = [];

  onStart(): void {}
  onEnd(span: ReadableSpan): void {
    this.all.unshift(span);
    this.all.length = Math.min(this.all.length, KEPT_SPANS);
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

/** GET /traces shows them. */
export const lastSpans = new LastSpans();

/** OpenTelemetry as any application sets it up; the last line is all that concerns nestjs-envelope. Before the adapter is made. */
export function startTelemetry(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [lastSpans] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [prometheus] }));
  instrument();
}
