import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeTransport } from '../../lib/microservices/index.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { useTelemetry } from './fixture.js';

@Controller()
class Sums {
  @MessagePattern({ a: 1, b: 2 })
  sum(): number {
    return 1;
  }
}

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
