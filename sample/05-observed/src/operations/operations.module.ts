import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { EnvelopeHealthIndicator } from 'nestjs-envelope/terminus';
import { HealthController } from './health.controller.js';
import { TelemetryController } from './telemetry.controller.js';

@Module({
  // a load balancer sees GET /ready fail within these 2 s, before connections close
  imports: [TerminusModule.forRoot({ gracefulShutdownTimeoutMs: 2_000 })],
  controllers: [HealthController, TelemetryController],
  providers: [EnvelopeHealthIndicator],
})
export class OperationsModule {}
