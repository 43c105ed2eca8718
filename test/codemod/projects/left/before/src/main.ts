import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { Server } from 'socket.io';
import { SessionAdapter } from './adapters';

class LoudAdapter extends WsAdapter {}

void NestFactory.create(AppModule).then((app) => {
  app.useWebSocketAdapter(new SessionAdapter(app, config));
  new Server(app.getHttpServer()).on('connection', () => undefined);
});
