// The gateway whose growth is measured: node bench/growth/server.js '{"fastify":false,"secure":false,"handlers":10}'
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter } from '../../dist/esm/index.js';
import { ownCpu, ownMemory, serve } from '../processes.js';
import { eachMembership, LIMITS, repeat, TEXT } from '../servers/common.js';
import { selfSigned } from './certificate.js';

const { fastify = false, secure = false, handlers = 10 } = JSON.parse(process.argv[2] ?? '{}');
const clients = new Set();

class GrowthGateway {
  handleConnection(client) {
    clients.add(client);
  }
  handleDisconnect(client) {
    clients.delete(client);
  }
  echo(_client, data) {
    return { event: 'echo', data };
  }
}
const others = Array.from({ length: handlers - 1 }, (_, i) => `other ${i}`);
for (const name of others) GrowthGateway.prototype[name] = () => undefined;
for (const name of ['echo', ...others])
  SubscribeMessage(name)(
    GrowthGateway.prototype,
    name,
    Object.getOwnPropertyDescriptor(GrowthGateway.prototype, name),
  );
WebSocketServer()(GrowthGateway.prototype, 'server');
WebSocketGateway({ path: '/ws' })(GrowthGateway);
class AppModule {}
Module({ providers: [GrowthGateway] })(AppModule);

async function createApp() {
  const https = secure ? selfSigned() : undefined;
  const logger = ['error', 'fatal'];
  if (!fastify) return NestFactory.create(AppModule, { logger, httpsOptions: https });
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return NestFactory.create(AppModule, new FastifyAdapter(secure ? { https } : {}), { logger });
}

const app = await createApp();
const none = 1e9;
app.useWebSocketAdapter(
  new EnvelopeAdapter(app, {
    limits: { ...LIMITS, maxRooms: none, maxPayload: 4_000_000, maxBufferedBytes: 64_000_000 },
  }),
);
await app.listen(0, '127.0.0.1');
const { server } = app.get(GrowthGateway);
serve({
  port: () => app.getHttpServer().address().port,
  cpu: ownCpu,
  memory: ownMemory,
  clients: () => clients.size,
  broadcast: ({ times }) => repeat(times, 1, () => server.emit('news', TEXT)),
  fill: ({ count }) => eachMembership([...clients], count, (client, room) => void client.join(room)),
  empty: ({ count }) => eachMembership([...clients], count, (client, room) => void client.leave(room)),
  rooms: ({ times, count }) =>
    repeat(times, 20, () => server.to(`room ${Math.floor(Math.random() * count)}`).emit('news', TEXT)),
});
