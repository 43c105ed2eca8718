import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Module } from '@nestjs/common';
import { ApiGateway } from './api.gateway';

@Module({ providers: [ApiGateway] })
class ApiModule {}

async function bootstrap() {
  const app = await NestFactory.create(ApiModule);
  app.useWebSocketAdapter(new IoAdapter(app));
  await app.listen(3000);
}
void bootstrap();
