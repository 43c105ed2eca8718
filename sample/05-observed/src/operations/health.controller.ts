import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { EnvelopeHealthIndicator } from 'nestjs-envelope/terminus';

@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly websocket: EnvelopeHealthIndicator,
  ) {}

  /** Liveness: fails when the event loop is blocked, so that the platform restarts the process. */
  @Get('health')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.websocket.isHealthy('websocket')]);
  }

  /** Readiness: fails from the start of a shutdown, so that new clients go elsewhere. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.websocket.isReady('websocket')]);
  }
}
