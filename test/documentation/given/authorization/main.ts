import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { DocumentsGateway } from './documents.gateway.js';
import { DocumentsService } from './documents.service.js';

@Module({ providers: [DocumentsGateway, DocumentsService] })
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.useWebSocketAdapter(new EnvelopeAdapter(app));
  await app.listen(process.env.PORT ?? 3000);
}
void bootstrap();
