// A gateway on a free port. Prints its port, and ends with its input.
import 'reflect-metadata';
import process from 'node:process';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter } from 'nestjs-envelope';

class ChatGateway {
  handleConnection(client) {
    void client.join('lobby');
  }
  // without TypeScript a handler has no decorated parameters: it gets the client and the data
  say(client, text) {
    client.to('lobby').emit('said', text);
    return text.length;
  }
}
SubscribeMessage('say')(
  ChatGateway.prototype,
  'say',
  Object.getOwnPropertyDescriptor(ChatGateway.prototype, 'say'),
);
WebSocketServer()(ChatGateway.prototype, 'server');
WebSocketGateway({ path: '/ws', recovery: true })(ChatGateway);
class AppModule {}
Module({ providers: [ChatGateway] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
app.useWebSocketAdapter(new EnvelopeAdapter(app));
await app.listen(0, '127.0.0.1');
console.log(app.getHttpServer().address().port);
process.stdin.once('end', () => void app.close().then(() => process.exit(0)));
process.stdin.resume();
