import { NestFactory } from '@nestjs/core';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { Server } from 'socket.io';
import { SessionAdapter } from './adapters';

class LoudAdapter extends EnvelopeAdapter {}

void NestFactory.create(AppModule).then((app) => {
  app.useWebSocketAdapter(new SessionAdapter(app, config));
  new Server(app.getHttpServer()).on('connection', () => undefined);
});
