import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { Counter, Registry } from 'prom-client';
import { instrument } from '../../lib/opentelemetry/index.js';
import { startApp } from '../support/app.js';
import { Scrape } from './fixture.js';

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @SubscribeMessage('say')
  say(): number {
    return 1;
  }
}

describe('the recipe for prom-client', () => {
  it('serves the metrics of both from one endpoint', async () => {
    const register = new Registry();
    new Counter({ name: 'orders_total', help: 'Orders', registers: [register] }).inc(3);
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const meterProvider = new MeterProvider({ readers: [exporter] });
    const stop = instrument({ meterProvider });
    try {
      const app = await startApp({ providers: [Gateway] });
      const client = await app.connect('/ws');
      await client.ask('say');
      const { resourceMetrics } = await exporter.collect();
      const own = await register.metrics();
      // each line of the first part ends, so that the second begins a line
      expect(own.endsWith('\n')).toBe(true);
      const scrape = new Scrape(own + new PrometheusSerializer().serialize(resourceMetrics));
      expect(scrape.value('orders_total')).toBe(3);
      expect(scrape.value('envelope_connections_active', { messaging_destination_name: '/ws' })).toBe(1);
      expect(scrape.value('messaging_process_duration_count', { envelope_event: 'say' })).toBe(1);
      expect(register.contentType).toContain('text/plain');
    } finally {
      stop();
      await meterProvider.shutdown();
    }
  });
});
