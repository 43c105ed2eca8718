import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
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

@Module({
  imports: [ThrottlerModule.forRoot([{ limit: 1, ttl: 3_600_000 }])],
  providers: [ThrottledGateway],
})
class ThrottledModule {}

it('nestjs-envelope/throttler, ES modules: refuses upgrades and messages over the limit', async () => {
  const app = await NestFactory.create(ThrottledModule, new ExpressAdapter(), { logger: false });
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
    assert.deepEqual(
      [answers[0]?.data, answers[1]?.event, answers[1]?.data.statusCode],
      ['echo', 'exception', 429],
    );
    const refused = new WebSocket(url);
    refused.on('error', () => undefined);
    const [request, response] = await once(refused, 'unexpected-response');
    request.destroy();
    assert.equal(response.statusCode, 429);
    assert.ok(Number(response.headers['retry-after']) > 0);
  } finally {
    ws.terminate();
    await app.close();
  }
});
