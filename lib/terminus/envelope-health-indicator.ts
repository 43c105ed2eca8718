import {
  Inject,
  Injectable,
  Optional,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ServerRegistry } from '../nest/injection/server-registry.js';
import { assertOptions, refuse } from '../protocol/refuse.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import { EventLoopLag } from './event-loop-lag.js';
import { loadOf } from './load-report.js';
import { withCode } from '../protocol/with-code.js';

/** Limits of {@link EnvelopeHealthIndicator.isHealthy}. It returns `down` if one is exceeded. */
export interface EnvelopeHealthOptions {
  /** Event loop delay in milliseconds: the 99th percentile since the last check. Default: 1,000. */
  readonly maxEventLoopLag?: number;
  /** Bytes waiting to be sent to all clients together. Default: no limit. The limit per client is the adapter's `maxBufferedBytes`. */
  readonly maxOutboxBytes?: number;
  /** Whether an unreachable broker means `down`. Default: `false`, because this node still serves its clients. */
  readonly requireCluster?: boolean;
}

function checkKey(method: string, key: unknown): void {
  const where = `EnvelopeHealthIndicator.${method}`;
  if (typeof key !== 'string' || key === '') refuse(where, 'key', key, "a text, such as 'websocket'");
}

const MAX_EVENT_LOOP_LAG = 1_000;

const WITHOUT_MODULE =
  'EnvelopeHealthIndicator finds no EnvelopeModule: add EnvelopeModule.forRoot() to the imports of the application';
const WITHOUT_TERMINUS =
  'EnvelopeHealthIndicator finds no HealthIndicatorService: import TerminusModule (of @nestjs/terminus 11 or later) ' +
  'in the module that provides EnvelopeHealthIndicator';
const WITHOUT_ADAPTER =
  'EnvelopeHealthIndicator finds no EnvelopeAdapter: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) before ' +
  'app.listen(), with the application, not its HTTP server';

/**
 * Reports the health of the gateways to `@nestjs/terminus`. Provide it in the module with the health controller, which imports
 * `TerminusModule`. The application must import `EnvelopeModule`.
 *
 * @example
 * health.check([() => envelope.isHealthy('websocket')]) // liveness: restart the process if down
 * health.check([() => envelope.isReady('websocket')]) // readiness: send no new clients if down
 */
@Injectable()
export class EnvelopeHealthIndicator implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly registry: ServerRegistry;
  private readonly indicators: HealthIndicatorService;
  private readonly lag = new EventLoopLag();
  private isDraining = false;

  /** @throws Error if `EnvelopeModule` or `TerminusModule` is not imported */
  constructor(
    @Optional() @Inject(ServerRegistry) registry?: ServerRegistry,
    @Optional() @Inject(HealthIndicatorService) indicators?: HealthIndicatorService,
  ) {
    if (registry === undefined || registry === null)
      throw withCode('ERR_ENVELOPE_MISSING_MODULE', new Error(WITHOUT_MODULE));
    if (indicators === undefined || indicators === null)
      throw withCode('ERR_ENVELOPE_MISSING_MODULE', new Error(WITHOUT_TERMINUS));
    this.registry = registry;
    this.indicators = indicators;
  }

  /** Starts measuring the event loop. Nest calls it. */
  onModuleInit(): void {
    this.lag.start();
  }
  /** Marks the application as draining. Nest calls it in its first round of shutdown hooks, when the application begins to close. */
  onModuleDestroy(): void {
    this.isDraining = true;
  }
  /** Stops measuring. Nest calls it when everything is closed. */
  onApplicationShutdown(): void {
    this.lag.stop();
  }

  /**
   * Returns whether this process serves its clients. It stays `up` while the application drains.
   *
   * @param key the name of the check in the result
   * @throws TypeError if `key` is not a string or an option is unknown; Error if the application has no `EnvelopeAdapter`
   * @example health.check([() => envelope.isHealthy('websocket', { maxEventLoopLag: 500 })]);
   */
  isHealthy<const Key extends string>(
    key: Key,
    options: EnvelopeHealthOptions = {},
  ): HealthIndicatorResult<Key> {
    checkKey('isHealthy', key);
    const names = ['maxEventLoopLag', 'maxOutboxBytes', 'requireCluster'];
    assertOptions(`${EnvelopeHealthIndicator.name}.isHealthy`, options, names, '{ requireCluster: true }');
    const {
      maxEventLoopLag = MAX_EVENT_LOOP_LAG,
      maxOutboxBytes = Infinity,
      requireCluster = false,
    } = options;
    const { connections, outbox, routes } = loadOf(this.servers());
    const eventLoopLag = this.lag.read();
    const unreachable = Object.keys(routes).filter((route) => routes[route]!.cluster === 'away');
    const problems = [
      eventLoopLag > maxEventLoopLag &&
        `the event loop is delayed by ${eventLoopLag} ms (maxEventLoopLag: ${maxEventLoopLag})`,
      outbox.total > maxOutboxBytes &&
        `${outbox.total} bytes wait to be sent to clients (maxOutboxBytes: ${maxOutboxBytes})`,
      requireCluster &&
        unreachable.length > 0 &&
        `the cluster's broker is unreachable: ${unreachable.join(', ')}`,
    ].filter((problem) => problem !== false);
    const details = { connections, eventLoopLag, outbox, draining: this.isDraining, routes };
    const session = this.indicators.check(key);
    return problems.length === 0
      ? session.up(details)
      : session.down({ message: problems.join('; '), ...details });
  }

  /**
   * Returns whether a load balancer may send new clients. It is `down` as soon as the application begins to close, and
   * while `EnvelopeOperations.drain` is in force. With
   * `TerminusModule.forRoot({ gracefulShutdownTimeoutMs })` connected clients are still served for that time.
   *
   * @param key the name of the check in the result
   * @throws TypeError if `key` is not a string; Error if the application has no `EnvelopeAdapter`
   * @example health.check([() => envelope.isReady('websocket')]);
   */
  isReady<const Key extends string>(key: Key): HealthIndicatorResult<Key> {
    checkKey('isReady', key);
    const { connections } = loadOf(this.servers());
    const details = { connections, draining: this.isDraining || this.registry.lookup?.isDraining === true };
    const session = this.indicators.check(key);
    if (this.isDraining) return session.down({ message: 'the application is closing', ...details });
    return details.draining ? session.down({ message: 'the node drains', ...details }) : session.up(details);
  }

  private servers(): EnvelopeServer[] {
    if (this.registry.lookup === undefined)
      throw withCode('ERR_ENVELOPE_NO_ADAPTER', new Error(WITHOUT_ADAPTER));
    return this.registry.lookup.servers();
  }
}
