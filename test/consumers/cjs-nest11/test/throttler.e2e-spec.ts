import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ThrottlerModule } from '@nestjs/throttler';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { EnvelopeThrottlerGuard } from 'nestjs-envelope/throttler';
import { WebSocket } from 'ws';

@UseGuards(EnvelopeThrottlerGuard)
@WebSocketGateway({ path: '/ws' })
class ThrottledGateway {
  @SubscribeMessage('echo')
  echo(): string {
    return 'echo';
  }
}

it('nestjs-envelope/throttler, CommonJS: refuses upgrades and messages over the limit', async () => {
  const moduleFixture = await Test.createTestingModule({
    imports: [ThrottlerModule.forRoot([{ limit: 1, ttl: 3_600_000 }])],
    providers: [ThrottledGateway],
  }).compile();
  const app = moduleFixture.createNestApplication();
  app.useWebSocketAdapter(new EnvelopeAdapter(app));
  await app.listen(0, '127.0.0.1');
  const url = `ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/ws`;
  const ws = new WebSocket(url);
  try {
    await once(ws, 'open');
    const answers: { event: string; data: { statusCode?: number } }[] = [];
    for (const id of [1, 2]) {
      const answer = once(ws, 'message');
      ws.send(JSON.stringify({ event: 'echo', id }));
      answers.push(JSON.parse(String((await answer)[0])));
    }
    expect([answers[0].data, answers[1].event, answers[1].data.statusCode]).toEqual([
      'echo',
      'exception',
      429,
    ]);
    const refused = new WebSocket(url);
    refused.on('error', () => undefined);
    const [request, response] = await once(refused, 'unexpected-response');
    request.destroy();
    expect(response.statusCode).toBe(429);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  } finally {
    ws.terminate();
    await app.close();
  }
});
