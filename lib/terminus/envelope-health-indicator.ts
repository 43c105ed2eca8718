import {
  Inject,
  Injectable,
  Optional,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ServerRegistry } from '../nest/server-registry.js';
import { assertOptions, refuse } from '../protocol/refuse.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import { EventLoopLag } from './event-loop-lag.js';
import { loadOf } from './load-report.js';
import { withCode } from '../protocol/with-code.js';

/** When {@link EnvelopeHealthIndicator.isHealthy} says `down`. */
export interface EnvelopeHealthOptions {
  /** Milliseconds, 99th percentile since the last question. Default: 1,000. */
  readonly maxEventLoopLag?: number;
  /** Bytes that wait for all clients together. Default: no limit; for one client it is the adapter's `maxBufferedBytes`. */
  readonly maxOutboxBytes?: number;
  /** A broker that is away is a reason, too. Default: `false`, since the clients of this node are served. */
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
 * Health of the gateways, for `@nestjs/terminus`. A provider of the module that has the health controller and imports
 * `TerminusModule`; needs `EnvelopeModule`.
 *
 * @example
 * health.check([() => envelope.isHealthy('websocket')]) // for the process: is it to be restarted?
 * health.check([() => envelope.isReady('websocket')]) // for the load balancer: may it send clients here?
 */
@Injectable()
export class EnvelopeHealthIndicator implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private readonly registry: ServerRegistry;
  private readonly indicators: HealthIndicatorService;
  private readonly lag = new EventLoopLag();
  private isDraining = false;

  /** @throws Error where `EnvelopeModule` or `TerminusModule` is not imported */
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

  /** Called by Nest. */
  onModuleInit(): void {
    this.lag.start();
  }
  /** Called by Nest in the first round of hooks, when the application begins to close. */
  onModuleDestroy(): void {
    this.isDraining = true;
  }
  /** Called by Nest when all is closed. */
  onApplicationShutdown(): void {
    this.lag.stop();
  }

  /**
   * Whether this process serves its clients; `up` also while it drains.
   *
   * @throws Error where no adapter was made with the application
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
    const away = Object.keys(routes).filter((route) => routes[route]!.cluster === 'away');
    const problems = [
      eventLoopLag > maxEventLoopLag && `the event loop is ${eventLoopLag} ms late`,
      outbox.total > maxOutboxBytes && `${outbox.total} bytes wait for clients to read them`,
      requireCluster && away.length > 0 && `the cluster's broker is away: ${away.join(', ')}`,
    ].filter((problem) => problem !== false);
    const details = { connections, eventLoopLag, outbox, draining: this.isDraining, routes };
    const session = this.indicators.check(key);
    return problems.length === 0
      ? session.up(details)
      : session.down({ message: problems.join('; '), ...details });
  }

  /**
   * Whether new clients may be sent here: `down` from the moment that the application begins to close. With
   * `TerminusModule.forRoot({ gracefulShutdownTimeoutMs })` those that are here are served meanwhile.
   *
   * @throws Error where no adapter was made with the application
   */
  isReady<const Key extends string>(key: Key): HealthIndicatorResult<Key> {
    checkKey('isReady', key);
    const { connections } = loadOf(this.servers());
    const details = { connections, draining: this.isDraining };
    const session = this.indicators.check(key);
    return this.isDraining
      ? session.down({ message: 'the application is closing', ...details })
      : session.up(details);
  }

  private servers(): EnvelopeServer[] {
    if (this.registry.lookup === undefined)
      throw withCode('ERR_ENVELOPE_NO_ADAPTER', new Error(WITHOUT_ADAPTER));
    return this.registry.lookup.servers();
  }
}
