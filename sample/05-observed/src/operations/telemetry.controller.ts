import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { lastSpans, prometheus } from './telemetry.js';

@Controller()
export class TelemetryController {
  @Get('metrics')
  metrics(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    prometheus.getMetricsRequestHandler(request, response);
  }

  @Get('traces')
  @Header('Content-Type', 'text/plain')
  traces(): string {
    const lines = lastSpans.all.map((span) => {
      const { traceId, spanId } = span.spanContext();
      const [seconds, nanoseconds] = span.duration;
      const took = `${(seconds * 1e3 + nanoseconds / 1e6).toFixed(1)} ms`;
      const under = span.parentSpanContext === undefined ? '' : ` under ${span.parentSpanContext.spanId}`;
      const outcome = String(span.attributes['envelope.outcome'] ?? '');
      return `${traceId} ${spanId}${under}  ${span.name}  ${took}  ${outcome}`;
    });
    return `${lines.join('\n')}\n`;
  }
}
