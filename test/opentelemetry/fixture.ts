import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { context, metrics, propagation, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { instrument } from '../../lib/opentelemetry/index.js';
import { until } from '../support/wait.js';

/** The real SDK, set up as in a program, except that spans stay in memory. */
export class Telemetry {
  private readonly spans = new InMemorySpanExporter();
  private readonly exporter = new PrometheusExporter({ preventServerStart: true });
  private readonly http = createServer((request, response) =>
    this.exporter.getMetricsRequestHandler(request, response),
  );
  private readonly contexts = new AsyncLocalStorageContextManager().enable();
  readonly tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.spans)],
  });
  readonly meterProvider = new MeterProvider({ readers: [this.exporter] });
  /** The tracer of the application. */
  readonly tracer: Tracer = this.tracerProvider.getTracer('app');
  stop: () => void = () => undefined;

  async start(): Promise<void> {
    context.setGlobalContextManager(this.contexts);
    const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
    trace.setGlobalTracerProvider(this.tracerProvider);
    metrics.setGlobalMeterProvider(this.meterProvider);
    this.http.listen(0, '127.0.0.1');
    await once(this.http, 'listening');
    this.stop = instrument();
  }

  async end(): Promise<void> {
    this.stop();
    this.http.close();
    this.http.closeAllConnections();
    await Promise.all([this.tracerProvider.shutdown(), this.meterProvider.shutdown()]);
    for (const api of [context, propagation, trace, metrics]) api.disable();
    this.contexts.disable();
  }

  /** Waits for `count` ended spans. Returns them in order. */
  async ended(count: number, which: (span: ReadableSpan) => boolean = () => true): Promise<ReadableSpan[]> {
    const found = (): ReadableSpan[] => this.spans.getFinishedSpans().filter(which);
    await until(`the end of ${count} spans`, () => found().length >= count);
    return found();
  }

  get finished(): ReadableSpan[] {
    return this.spans.getFinishedSpans();
  }

  /** Returns the metrics as Prometheus scrapes them. */
  async scrape(): Promise<Scrape> {
    const { port } = this.http.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return new Scrape(await response.text());
  }
}

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Parses the text format of Prometheus. */
export class Scrape {
  readonly samples: Sample[];

  constructor(readonly text: string) {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.samples = lines.map((line) => {
      const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
    });
  }

  /** Returns the sum of all samples with these labels, or `undefined` without any. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
    );
    return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
  }
}

/** Starts the SDK before each test, and returns a function that returns it. */
export function useTelemetry(): () => Telemetry {
  let telemetry: Telemetry;
  beforeEach(async () => {
    telemetry = new Telemetry();
    await telemetry.start();
  });
  afterEach(() => telemetry.end());
  return () => telemetry;
}

export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const SPAN = 'b7ad6b7169203331';
export const traceparent = (trace = TRACE, span = SPAN, flags = '01'): string =>
  `00-${trace}-${span}-${flags}`;
