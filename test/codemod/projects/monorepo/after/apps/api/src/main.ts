import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { Module } from '@nestjs/common';
import { ApiGateway } from './api.gateway';

@Module({ providers: [ApiGateway] })
class ApiModule {}

async function bootstrap() {
  const app = await NestFactory.create(ApiModule);
  app.useWebSocketAdapter(new EnvelopeAdapter(app, {
    transports: [socketIO({ path: '/api' })],
    replies: 'requests',
  }));
  await app.listen(3000);
}
void bootstrap();
