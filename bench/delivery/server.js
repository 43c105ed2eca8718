// One server of the delivery bench, in a separate process:
// node bench/delivery/server.js '{ "history": "memory", "once": "redis", … }' [port of Redis]
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createClient } from 'redis';
import { EnvelopeAdapter, EnvelopeModule } from '../../dist/esm/index.js';
import { memoryHistory, redisHistory, roomHistory } from '../../dist/esm/history/index.js';
import { EnvelopeHttpApiModule } from '../../dist/esm/http-api/index.js';
import { memoryOnce, Once, redisOnce } from '../../dist/esm/once/index.js';
import { ownCpu, ownMemory, serve } from '../processes.js';
import { LIMITS, repeat, TEXT } from '../servers/common.js';

const [, , json, port] = process.argv;
/**
 * `history`: where the messages of rooms that begin with "kept:" are stored. `once`: where the answers of the handler "once"
 * are kept; without it, that handler has no `@Once()`. `recovery`: whether the messages of all rooms are logged. `isUnbounded`:
 * whether all answers are kept.
 */
const { history, once, recovery = false, httpApi = false, isUnbounded = false } = JSON.parse(json);

const redis = port === undefined ? undefined : createClient({ url: `redis://127.0.0.1:${port}` });
redis?.on('error', (error) => console.error(error));
await redis?.connect();

/** More than the bench stores. */
const MANY = 1e9;
const ROOM_SIZE = 5_000;
const historyStore = history === 'redis' ? redisHistory(redis) : memoryHistory({ maxBytes: MANY });
const onceStore =
  once === 'redis' ? redisOnce(redis) : memoryOnce(isUnbounded ? { maxKeys: MANY, maxBytes: MANY } : {});

class BenchGateway {
  handleConnection(client) {
    clients.add(client);
    void client.join('room');
    if (history !== undefined) void client.join('kept:room');
  }
  handleDisconnect(client) {
    clients.delete(client);
  }
  ask(_client, data) {
    return data;
  }
  once(_client, data) {
    return data;
  }
}
const clients = new Set();
for (const name of ['ask', 'once']) {
  const descriptor = Object.getOwnPropertyDescriptor(BenchGateway.prototype, name);
  SubscribeMessage(name)(BenchGateway.prototype, name, descriptor);
  if (name === 'once' && once !== undefined) Once()(BenchGateway.prototype, name, descriptor);
}
WebSocketServer()(BenchGateway.prototype, 'server');
WebSocketGateway({ path: '/ws' })(BenchGateway);

class Anyone {
  canActivate = () => true;
}
const imports = httpApi
  ? [EnvelopeModule.forRoot(), EnvelopeHttpApiModule.register({ guards: [Anyone], store: onceStore })]
  : [];
class AppModule {}
Module({ imports, providers: [BenchGateway] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
app.useWebSocketAdapter(
  new EnvelopeAdapter(app, {
    limits: LIMITS,
    onceStore,
    ...(history !== undefined && {
      history: roomHistory({ rooms: { 'kept:*': { size: ROOM_SIZE } }, store: historyStore }),
    }),
    ...(recovery && { recovery: { maxDisconnectionDuration: 3_600_000, maxStoredBytes: 2 * MANY } }),
  }),
);
await app.listen(0, '127.0.0.1');
const { server } = app.get(BenchGateway);

/** Resolves when Redis has answered what it was sent so far. */
const settle = async () => void (await redis?.ping());

serve({
  port: () => app.getHttpServer().address().port,
  cpu: ownCpu,
  memory: ownMemory,
  clients: () => clients.size,
  settle,
  broadcast: ({ times, perTick, room }) => repeat(times, perTick, () => server.to(room).emit('news', TEXT)),
  // sends `count` messages of `bytes` bytes to rooms that nobody is in
  async store({ count, bytes, prefix }) {
    let sent = 0;
    await repeat(count, 100, () => {
      const room = `${prefix}${Math.floor(sent / ROOM_SIZE)}`;
      server.to(room).emit('news', String(sent++).padStart(bytes, '.'));
    });
    await settle();
  },
  /** The bytes that the store counts for its `maxBytes`. */
  counted: () => (history === 'memory' ? historyStore.bytes : undefined),
  async enter({ times, room }) {
    const [client] = clients;
    const [{ position }] = await server.history(room).read({ limit: 1 });
    for (let i = 0; i < times; i++) {
      await client.leave(room);
      await client.join(room, { after: position });
    }
  },
});
