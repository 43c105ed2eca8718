import { Controller, Get, type ModuleMetadata } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { EnvelopeModule } from '../../lib/index.js';
import { EnvelopeHealthIndicator, type EnvelopeHealthOptions } from '../../lib/terminus/index.js';
import type { TestApp } from '../support/app.js';

/** For tests of something else: the event loop of a busy machine may be delayed by more than the default. */
export const BUSY: EnvelopeHealthOptions = { maxEventLoopLag: 60_000 };
/** The options of `/health`. A test sets them before its request. */
export const wanted: { options: EnvelopeHealthOptions } = { options: BUSY };

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly envelope: EnvelopeHealthIndicator,
  ) {}

  @Get('health')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.envelope.isHealthy('websocket', wanted.options)]);
  }
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.envelope.isReady('websocket')]);
  }
}

/** Returns the metadata of an application with `/health` and `/ready`. */
export function withHealth(metadata: ModuleMetadata, gracefulShutdownTimeoutMs = 0): ModuleMetadata {
  return {
    imports: [
      EnvelopeModule.forRoot(),
      TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs }),
      ...(metadata.imports ?? []),
    ],
    controllers: [HealthController],
    providers: [EnvelopeHealthIndicator, ...(metadata.providers ?? [])],
  };
}

export interface Health {
  code: number;
  /** The result of the indicator. */
  websocket: any; // eslint-disable-line -- tests look into details freely
}

export async function ask(app: TestApp, path: '/health' | '/ready'): Promise<Health> {
  const response = await fetch(`http://127.0.0.1:${app.port}${path}`);
  const body = (await response.json()) as { details?: Record<string, unknown> };
  return { code: response.status, websocket: body.details?.['websocket'] };
}
