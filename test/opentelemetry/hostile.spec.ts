import {
  Controller,
  HttpException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';
import { useTelemetry } from './fixture.js';

@Controller()
class Sums {
  @MessagePattern({ a: 1, b: 2 })
  sum(): number {
    return 1;
  }
}

/** Refuses with texts of the client, like a careless program. */
class CarelessGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { why } = context.switchToWs().getClient<EnvelopeSocket>().handshake.query;
    if (why === 'error') throw new Error('of the server');
    throw new HttpException({ why, reason: why, message: why }, 403);
  }
}

@UseGuards(CarelessGuard)
@WebSocketGateway({ path: '/guarded' })
class GuardedGateway {}

@WebSocketGateway()
class Gateway {
  /** Copies client data onto an error, like a careless program. */
  @SubscribeMessage('fail')
  fail(@MessageBody() details: object): never {
    throw Object.assign(new RangeError('no'), details);
  }
}

describe('attributes under hostile input', () => {
  const telemetry = useTelemetry();

  it('name a pattern as its handler does, for any spelling', async () => {
    const app = await startApp({ controllers: [Sums] });
    app.nest.connectMicroservice({ strategy: new EnvelopeTransport(app.adapter) });
    await app.nest.startAllMicroservices();
    const client = await app.connect();
    const patterns = [{ a: 1, b: 2 }, { b: 2, a: 1 }, '{"a":1,"b":2}', ' {"b":2,  "a":1}'];
    for (const [id, pattern] of patterns.entries())
      client.ws.send(JSON.stringify({ kind: 'message', pattern, id }));
    await until('the responses', () => client.frames.length === patterns.length);
    await telemetry().ended(patterns.length);
    const { samples } = await telemetry().scrape();
    const counted = samples.filter(({ name }) => name === 'messaging_process_duration_count');
    expect(counted.map(({ value }) => value)).toEqual([patterns.length]);
  });

  it('name the reason of a refusal by a fixed list, for any path, origin and guard', async () => {
    const app = await startApp({ providers: [Gateway, GuardedGateway] });
    const { operations } = app.adapter;
    const ask = async (path: string, headers = {}): Promise<number> =>
      (await requestUpgrade(app.port, path, headers)).status;
    for (const one of ['a', 'b', 'c']) {
      expect(await ask(`/made-up-${one}`)).toBe(404);
      expect(await ask(`/guarded?why=made-up-${one}`)).toBe(403);
      expect(await ask('/', { Origin: `https://made-up-${one}.example` })).toBe(403);
    }
    expect(await ask('/guarded?why=error')).toBe(500);
    operations.block({ address: '127.0.0.1' }, { duration: 3_600_000 });
    expect(await ask('/')).toBe(429);
    await operations.drain();
    expect(await ask('/')).toBe(503);
    const { samples, text } = await telemetry().scrape();
    const refused = samples.filter(({ name }) => name === 'envelope_upgrades_refused_total');
    const series = refused.map(
      ({ labels, value }) =>
        `${labels['http_response_status_code']} ${labels['envelope_refusal_reason']}: ${value}`,
    );
    expect(series.sort()).toEqual([
      '403 guard: 3',
      '403 origin: 3',
      '404 path: 3',
      '429 blocked: 1',
      '500 guard: 1',
      '503 draining: 1',
    ]);
    expect(text).not.toContain('made-up');
  });

  it('name an error by its class, even with client data copied onto it', async () => {
    const app = await startApp({ providers: [Gateway] });
    const client = await app.connect();
    for (const constructor of [null, 1, { name: 'of the client' }])
      client.ws.send(JSON.stringify({ event: 'fail', data: { constructor } }));
    await until('the responses', () => client.frames.length === 3);
    const spans = await telemetry().ended(3);
    expect(spans.map(({ attributes }) => attributes['error.type'])).toEqual(Array(3).fill('RangeError'));
  });
});
