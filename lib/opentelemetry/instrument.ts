import { diag, metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import { assertOptions, refuseOption } from '../protocol/refuse.js';
import { countEvents } from './counters.js';
import { watchServers } from './gauges.js';
import { traceMessages } from './spans.js';

const NAME = 'nestjs-envelope';

/** Beyond this copy of the package: a process may have loaded it as ESM and as CommonJS. */
const RUNNING = Symbol.for('nestjs-envelope.opentelemetry');

/** Where spans and figures go, if not to the global providers. */
export interface InstrumentOptions {
  readonly tracerProvider?: TracerProvider;
  readonly meterProvider?: MeterProvider;
}

/**
 * Traces and counts what happens in all adapters of this process, by OpenTelemetry's conventions for messaging. To be called
 * once: after the SDK was started, since there is no meter that could be told later where to write, and before the adapter is
 * made, since figures are of servers that are mounted after it. Called again meanwhile it changes nothing, warns on
 * OpenTelemetry's own `diag` logger, and returns what ends the first.
 *
 * @throws TypeError that names the option that is unknown or no provider
 * @returns what ends it; spans of events that are under way then are not told
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  assertOptions('instrument', options, ['tracerProvider', 'meterProvider'], '{ meterProvider }');
  checkProvider('tracerProvider', options.tracerProvider, 'getTracer');
  checkProvider('meterProvider', options.meterProvider, 'getMeter');
  const running = Reflect.get(globalThis, RUNNING) as (() => void) | undefined;
  if (running !== undefined) {
    diag.warn(`${NAME}: instrument() was called before, and is in force: this call changes nothing`);
    return running;
  }
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options;
  const meter = meterProvider.getMeter(NAME);
  const ends = [
    ...traceMessages(tracerProvider.getTracer(NAME)),
    ...countEvents(meter),
    ...watchServers(meter),
  ];
  const stop = (): void => {
    if (Reflect.get(globalThis, RUNNING) === stop) Reflect.deleteProperty(globalThis, RUNNING);
    for (const end of ends.splice(0)) end();
  };
  Reflect.set(globalThis, RUNNING, stop);
  return stop;
}

function checkProvider(name: string, provider: unknown, method: string): void {
  if (provider === undefined) return;
  if (typeof Reflect.get(Object(provider) as object, method) !== 'function')
    refuseOption('instrument', name, provider, `a provider of OpenTelemetry, with ${method}()`);
}
