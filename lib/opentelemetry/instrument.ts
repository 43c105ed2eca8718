import { diag, metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { assertOptions, refuseOption } from '../protocol/refuse.js';
import { countEvents } from './counters.js';
import { watchServers } from './gauges.js';
import { traceMessages } from './spans.js';

const NAME = 'nestjs-envelope';

/** A global key, shared by all copies of the package: a process may load it as ESM and as CommonJS. */
const RUNNING = Symbol.for('nestjs-envelope.opentelemetry');

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Receives the spans. Default: the global tracer provider. */
  readonly tracerProvider?: TracerProvider;
  /** Receives the metrics. Default: the global meter provider. */
  readonly meterProvider?: MeterProvider;
}

/**
 * Traces and counts the messages of all adapters of this process, by OpenTelemetry's semantic conventions for messaging.
 *
 * Call it once: after the SDK has started, because a meter cannot change its provider later, and before the adapter is created,
 * because only servers that are mounted afterwards are measured. A second call has no effect: it warns on OpenTelemetry's
 * `diag` logger and returns the function that stops the first one.
 *
 * @example
 * sdk.start();
 * instrument();
 * const app = await NestFactory.create(AppModule);
 * app.useWebSocketAdapter(new EnvelopeAdapter(app));
 *
 * @returns a function that stops it. Spans of events that are in progress are then not ended
 * @throws TypeError that names an unknown option, or one that is not a provider
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  assertOptions('instrument', options, ['tracerProvider', 'meterProvider'], '{ meterProvider }');
  checkProvider('tracerProvider', options.tracerProvider, 'getTracer');
  checkProvider('meterProvider', options.meterProvider, 'getMeter');
  const running = Reflect.get(globalThis, RUNNING) as (() => void) | undefined;
  if (running !== undefined) {
    diag.warn(
      `${NAME}: instrument() is already active, so this call has no effect. Stop it first with the function that it returned`,
    );
    return running;
  }
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options;
  const meter = meterProvider.getMeter(NAME);
  const stops = [
    ...traceMessages(tracerProvider.getTracer(NAME)),
    ...countEvents(meter),
    ...watchServers(meter),
  ];
  const stop = (): void => {
    if (Reflect.get(globalThis, RUNNING) === stop) Reflect.deleteProperty(globalThis, RUNNING);
    for (const each of stops.splice(0)) each();
  };
  Reflect.set(globalThis, RUNNING, stop);
  return stop;
}

function checkProvider(name: string, provider: unknown, method: string): void {
  if (provider === undefined) return;
  if (typeof Reflect.get(Object(provider) as object, method) !== 'function')
    refuseOption('instrument', name, provider, `a provider of OpenTelemetry, with ${method}()`);
}
