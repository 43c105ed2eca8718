// One node of the measured cluster, in a separate process:
// node bench/cluster/node.js ours|socket.io classic|sharded|streams recovery|- <port of Redis> [build]
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter as createClassic, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreams } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { ownCpu, pause, serve } from '../processes.js';

const [, , side, broker, recovery, port, build = '../../dist/esm/index.js'] = process.argv;
const { EnvelopeAdapter, tolerant } = await import(build);
const isOurs = side === 'ours';
const TEXT = 'a payload of some sixty characters, as chat messages have it';

async function connected() {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on('error', (error) => console.error(error));
  return client.connect();
}

// both sides call the same functions of the same packages
async function makeFactory() {
  const client = await connected();
  if (broker === 'classic') return createClassic(client, await connected());
  if (broker === 'sharded') return createShardedAdapter(client, await connected());
  return createStreams(isOurs ? tolerant(client) : client);
}
const factory = await makeFactory();
const maxDisconnectionDuration = 120_000;
const isRecovering = recovery === 'recovery';

// every check is on, with limits above what the load reaches
const huge = 1e9;
const limits = { messagesPerSecond: huge, messageBurst: huge, maxConnectionsPerAddress: huge };

class SocketIoAdapter extends IoAdapter {
  createIOServer(port, options) {
    const recoveryOptions = isRecovering ? { connectionStateRecovery: { maxDisconnectionDuration } } : {};
    const server = super.createIOServer(port, { ...options, ...recoveryOptions, transports: ['websocket'] });
    return server.adapter(factory);
  }
}

let next = 0;
let allowed = 0;
let isPumping = false;

class BenchGateway {
  async handleConnection(client) {
    await client.join(client.handshake.query.room);
    client.emit('hello');
  }
  /** Shows that messages reach the other node. */
  knock(_, room) {
    this.server.to(room).emit('knock');
  }
  request() {
    this.broadcast();
  }
  /** Allows broadcasts up to this number. Each turn of the event loop sends one. */
  allow(_, upTo) {
    allowed = upTo;
    if (!isPumping) this.pump();
  }
  pump() {
    isPumping = next < allowed;
    if (!isPumping) return;
    this.broadcast();
    setImmediate(() => this.pump());
  }
  broadcast(room = 'room') {
    this.server.to(room).emit('news', `${String(next++).padStart(8, '0')} ${TEXT}`);
  }
}
for (const name of ['knock', 'request', 'allow']) {
  const method = Object.getOwnPropertyDescriptor(BenchGateway.prototype, name);
  SubscribeMessage(name)(BenchGateway.prototype, name, method);
}
WebSocketServer()(BenchGateway.prototype, 'server');
WebSocketGateway({ path: '/ws' })(BenchGateway);
class AppModule {}
Module({ providers: [BenchGateway] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.useWebSocketAdapter(
  isOurs
    ? new EnvelopeAdapter(app, {
        limits,
        adapter: factory,
        ...(isRecovering ? { recovery: { maxDisconnectionDuration } } : {}),
      })
    : new SocketIoAdapter(app),
);
await app.listen(0, '127.0.0.1');
const gateway = app.get(BenchGateway);

serve({
  port: () => app.getHttpServer().address().port,
  cpu: ownCpu,
  // sends `rate` broadcasts per second, at most one in each turn of the event loop, and then an event to the room `end`
  async pace({ times, rate, room }) {
    next = 0;
    const begin = performance.now();
    while (next < times) {
      if (next < ((performance.now() - begin) * rate) / 1000) {
        gateway.broadcast(room);
        await new Promise(setImmediate);
      } else {
        await pause(1);
      }
    }
    gateway.server.to('end').emit('end');
  },
});
