import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { EnvelopeHealthIndicator } from 'nestjs-envelope/terminus';
import { HealthController } from './health.controller.js';
import { TelemetryController } from './telemetry.controller.js';

@Module({
  // time for a load balancer to see that GET /ready says no, before connections are closed
  imports: [TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 2_000 })],
  controllers: [HealthController, TelemetryController],
  providers: [EnvelopeHealthIndicator],
})
export class OperationsModule {}
