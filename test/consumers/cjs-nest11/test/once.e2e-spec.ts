import type { AddressInfo } from 'node:net';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { connect } from 'nestjs-envelope/client';
import { reliable } from 'nestjs-envelope/client/reliable';
import { memoryOnce, MessageKey, Once } from 'nestjs-envelope/once';

@WebSocketGateway({ path: '/shop' })
class ShopGateway {
  readonly keys: unknown[] = [];
  @Once({ ttl: 60_000 })
  @SubscribeMessage('order')
  order(
    @MessageBody() item: number,
    @MessageKey() key: string | undefined,
  ): { number: number; item: number } {
    this.keys.push(key);
    return { number: this.keys.length, item };
  }
}

it('nestjs-envelope/once and /client/reliable, CommonJS: a message is handled once', async () => {
  const moduleFixture = await Test.createTestingModule({ providers: [ShopGateway] }).compile();
  const app = moduleFixture.createNestApplication();
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { onceStore: memoryOnce() }));
  await app.listen(0, '127.0.0.1');
  const socket = connect(`ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/shop`);
  try {
    const send = reliable(socket);
    expect(await send.emitWithAck('order', 7)).toEqual({ number: 1, item: 7 });
    await send.emit('order', 8);
    const { keys } = app.get(ShopGateway);
    expect(new Set(keys).size).toBe(2);
    expect(keys[0]).toMatch(/^[\w-]{22}$/);
  } finally {
    socket.disconnect();
    await app.close();
  }
});
