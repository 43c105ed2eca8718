import 'reflect-metadata';
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
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

@Module({ providers: [ShopGateway] })
class ShopModule {}

it('nestjs-envelope/once and /client/reliable, ES modules: a message is handled once', async () => {
  const app = await NestFactory.create(ShopModule, new ExpressAdapter(), { logger: false });
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { onceStore: memoryOnce() }));
  await app.listen(0, '127.0.0.1');
  const socket = connect(`ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/shop`);
  try {
    const send = reliable(socket);
    assert.deepEqual(await send.emitWithAck('order', 7), { number: 1, item: 7 });
    await send.emit('order', 8);
    const { keys } = app.get(ShopGateway);
    assert.equal(new Set(keys).size, 2);
    assert.match(String(keys[0]), /^[\w-]{22}$/);
  } finally {
    socket.disconnect();
    await app.close();
  }
});
