// The server of the resume bench, in a process of its own: node bench/resume/server.js [build of this package]
import 'reflect-metadata';
import { openSync, readSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { serve } from '../processes.js';
import { LIMITS, TEXT } from '../servers/common.js';

const [, , build = '../../dist/esm/index.js'] = process.argv;
const { EnvelopeAdapter } = await import(build);
const MEGABYTE = 1_000_000;

const clients = new Set();
let requests = 0;

class BenchGateway {
  handleConnection(client) {
    clients.add(client);
  }
  handleDisconnect(client) {
    clients.delete(client);
  }
  join(client, room) {
    void client.join(room);
    return 'joined';
  }
  echo(_client, data) {
    return data;
  }
}
for (const name of ['join', 'echo'])
  SubscribeMessage(name)(
    BenchGateway.prototype,
    name,
    Object.getOwnPropertyDescriptor(BenchGateway.prototype, name),
  );
WebSocketServer()(BenchGateway.prototype, 'server');
WebSocketGateway({ path: '/ws' })(BenchGateway);
class AppModule {}
Module({ providers: [BenchGateway] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
app.useWebSocketAdapter(
  new EnvelopeAdapter(app, {
    limits: { ...LIMITS, maxBufferedBytes: 64 * MEGABYTE },
    recovery: { maxDisconnectionDuration: 600_000, maxStoredBytes: 1_000 * MEGABYTE },
  }),
);
await app.listen(0, '127.0.0.1');
const http = app.getHttpServer();
http.on('connection', (tcp) => tcp.once('data', () => requests++));
const { server } = app.get(BenchGateway);

const SCHEDSTAT = openSync('/proc/self/schedstat');
const text = Buffer.alloc(100);

/** Returns the CPU time of the main thread in milliseconds. That of the process includes the collector's threads. */
function threadCpu() {
  // Linux counts the running thread at each tick, every 4 ms, and whenever the time of its process is read
  process.cpuUsage();
  const length = readSync(SCHEDSTAT, text, 0, text.length, 0);
  return Number.parseInt(text.latin1Slice(0, length), 10) / 1e6;
}

let turns;
let isWatching = false;

/** Measures each turn of the event loop until `isWatching` is off. */
function watch() {
  turns = [];
  isWatching = true;
  let before = { cpu: threadCpu(), requests };
  const turn = () => {
    const now = { cpu: threadCpu(), requests };
    const cpu = now.cpu - before.cpu;
    if (cpu > 1) turns.push({ cpu, requests: now.requests - before.requests });
    before = now;
    if (isWatching) setImmediate(turn);
  };
  setImmediate(turn);
}

serve({
  port: () => http.address().port,
  clients: () => clients.size,
  watch,
  watched() {
    isWatching = false;
    return turns;
  },
  // sends messages to `rooms` rooms in turn, or to all clients
  async fill({ entries, rooms }) {
    for (let i = 0; i < entries; i++) {
      const target = rooms === 0 ? server : server.to(`room ${i % rooms}`);
      target.emit('news', TEXT);
      if (i % 1_000 === 0) await new Promise(setImmediate);
    }
  },
});
