import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { connect } from 'nestjs-envelope/client';
import { messagePack as codec } from 'nestjs-envelope/client/msgpack';
import { messagePack } from 'nestjs-envelope/msgpack';

@WebSocketGateway({ path: '/files' })
class FilesGateway {
  @SubscribeMessage('upload')
  upload(@MessageBody('bytes') bytes: Buffer): { isBuffer: boolean; bytes: Buffer } {
    return { isBuffer: Buffer.isBuffer(bytes), bytes };
  }
}

@Module({ providers: [FilesGateway] })
class FilesModule {}

it('nestjs-envelope/msgpack and /client/msgpack, CommonJS: bytes there and back', async () => {
  const app = await NestFactory.create(FilesModule, new ExpressAdapter(), { logger: false });
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { encodings: [messagePack()] }));
  await app.listen(0, '127.0.0.1');
  const url = `ws://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/files`;
  const socket = connect(url, { codec: codec() });
  try {
    const { isBuffer, bytes } = await socket.emitWithAck('upload', { bytes: new Uint8Array([1, 255]) });
    expect([isBuffer, ...bytes]).toEqual([true, 1, 255]);
  } finally {
    socket.disconnect();
    await app.close();
  }
});
