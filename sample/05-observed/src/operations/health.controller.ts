import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthCheckResult } from '@nestjs/terminus';
import { EnvelopeHealthIndicator } from 'nestjs-envelope/terminus';

@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly websocket: EnvelopeHealthIndicator,
  ) {}

  /** Whether this process should go on: not, where its event loop hardly turns. */
  @Get('health')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([() => this.websocket.isHealthy('websocket')]);
  }

  /** Whether new clients should be sent here: not any more, from the first moment of a shutdown. */
  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.websocket.isReady('websocket')]);
  }
}
