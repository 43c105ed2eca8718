// Measures what a broadcast of another node costs a node that has no client in its room, apart from Redis and its client:
// the adapter gets the bytes directly. Compares the adapter alone, this package and Socket.IO, with the sharded adapter,
// each in new processes in turn.
//
// node bench/unaddressed.js [--rounds 5] [--against <index.js of another build>], after npm run build
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { ownCpu } from './processes.js';
import { median, show, table } from './report.js';

const CHANNEL = 'socket.io#/ws#';
const SIZES = [70, 1_000, 10_000];
const BYTES = 20_000_000;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    against: { type: 'string' },
    // of a child process
    side: { type: 'string' },
    size: { type: 'string' },
  },
});

/** A client of Redis that connects to nothing and keeps the adapter's listener. */
class NoRedis {
  sSubscribe(channel, listener) {
    if ([channel].flat().includes(CHANNEL)) this.listener = listener;
    return Promise.resolve();
  }
  sUnsubscribe = () => Promise.resolve();
  sPublish = () => Promise.resolve();
  sendCommand = () => Promise.resolve([0, 1]);
  on = () => this;
}

async function startSide(side, factory) {
  if (side === 'adapter') {
    const server = { encoder: { encode: () => [] }, opts: {} };
    return factory({ name: '/ws', sockets: new Map(), server, _ids: 0 });
  }
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { IoAdapter } = await import('@nestjs/platform-socket.io');
  const { WebSocketGateway } = await import('@nestjs/websockets');
  class BenchGateway {}
  WebSocketGateway(side === 'Socket.IO' ? { namespace: '/ws' } : { path: '/ws' })(BenchGateway);
  class AppModule {}
  Module({ providers: [BenchGateway] })(AppModule);
  class SocketIoAdapter extends IoAdapter {
    createIOServer(port, options) {
      return super.createIOServer(port, options).adapter(factory);
    }
  }
  const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
  if (side === 'Socket.IO') app.useWebSocketAdapter(new SocketIoAdapter(app));
  else {
    const { EnvelopeAdapter } = await import(side);
    app.useWebSocketAdapter(new EnvelopeAdapter(app, { adapter: factory }));
  }
  await app.listen(0, '127.0.0.1');
}

async function measure(side, size) {
  const { createShardedAdapter } = createRequire(import.meta.url)('@socket.io/redis-adapter');
  const redis = new NoRedis();
  await startSide(side, createShardedAdapter(redis, redis));
  const packet = { type: 2, data: ['news', 'x'.repeat(size)], nsp: '/ws' };
  const opts = { rooms: ['nobody'], except: [], flags: {} };
  const message = Buffer.from(JSON.stringify({ uid: 'other', nsp: '/ws', type: 3, data: { packet, opts } }));
  const channel = Buffer.from(CHANNEL);
  const times = Math.ceil(BYTES / message.length);
  const receive = () => {
    for (let i = 0; i < times; i++) redis.listener(message, channel);
  };
  receive();
  const before = ownCpu();
  receive();
  return (ownCpu() - before) / times;
}

if (values.side !== undefined) {
  console.log(await measure(values.side, Number(values.size)));
  process.exit();
}

const SIDES = {
  adapter: 'adapter',
  ours: '../dist/esm/index.js',
  ...(values.against && { other: pathToFileURL(values.against).href }),
  'Socket.IO': 'Socket.IO',
};
const run = (side, size) =>
  Number(execFileSync(process.execPath, [import.meta.filename, '--side', side, '--size', String(size)]));
const rows = SIZES.map((size) => {
  const results = Object.fromEntries(Object.keys(SIDES).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [name, side] of Object.entries(SIDES)) results[name].push(run(side, size));
  const cells = Object.values(results).map(
    (all) => `${show(median(all))} (${show(Math.min(...all))} .. ${show(Math.max(...all))})`,
  );
  return [size, ...cells];
});
console.log(table(['bytes', ...Object.keys(SIDES).map((name) => `${name}: CPU µs per broadcast`)], rows));
