import { channel } from 'node:diagnostics_channel';
import { diag, DiagLogLevel, metrics, trace } from '@opentelemetry/api';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { channels } from '../../lib/server/diagnostics/channels.js';
import { instrument } from '../../lib/opentelemetry/index.js';
import { startApp } from '../support/app.js';
import { Telemetry, useTelemetry } from './fixture.js';

@WebSocketGateway({ path: '/ws' })
class SayingGateway {
  @SubscribeMessage('say')
  say(): boolean {
    return trace.getActiveSpan() !== undefined;
  }
}

const subscribed = (): string[] =>
  Object.values(channels)
    .filter(({ name }) => channel(name).hasSubscribers)
    .map(({ name }) => String(name));

describe('instrument', () => {
  const telemetry = useTelemetry();

  it('counts once when it is called twice, and logs a warning', async () => {
    const warnings: string[] = [];
    const ignore = (): void => undefined;
    diag.setLogger(
      { warn: (text) => warnings.push(text), error: ignore, info: ignore, debug: ignore, verbose: ignore },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    expect(instrument()).toBe(telemetry().stop);
    diag.disable();
    expect(warnings).toEqual([
      'nestjs-envelope: instrument() is already active, so this call has no effect. Stop it first with the function that it returned',
    ]);
    const app = await startApp({ providers: [SayingGateway] });
    const client = await app.connect('/ws');
    expect((await client.ask('say')).data).toBe(true);
    expect(await telemetry().ended(1)).toHaveLength(1);
    expect((await telemetry().scrape()).value('messaging_process_duration_count')).toBe(1);
  });

  it('unsubscribes from everything when it is stopped', async () => {
    const app = await startApp({ providers: [SayingGateway] });
    const client = await app.connect('/ws');
    await client.ask('say');
    await telemetry().ended(1);
    expect(subscribed()).not.toEqual([]);
    telemetry().stop();
    telemetry().stop();
    expect(subscribed()).toEqual([]);
    expect((await client.ask('say')).data).toBe(false);
    await app.connect('/ws');
    const scrape = await telemetry().scrape();
    expect(scrape.value('messaging_process_duration_count')).toBe(1);
    expect(scrape.value('envelope_connections_opened_total')).toBe(1);
    expect(scrape.value('envelope_connections_active')).toBeUndefined();
    expect(telemetry().finished).toHaveLength(1);
  });

  it('can start again, with providers that are not global', async () => {
    telemetry().stop();
    const own = new Telemetry();
    for (const api of [trace, metrics]) api.disable();
    const stop = instrument({ tracerProvider: own.tracerProvider, meterProvider: own.meterProvider });
    const app = await startApp({ providers: [SayingGateway] });
    await (await app.connect('/ws')).ask('say');
    expect((await own.ended(1)).map(({ name }) => name)).toEqual(['process /ws say']);
    expect(telemetry().finished).toEqual([]);
    stop();
    await own.end();
  });
});
