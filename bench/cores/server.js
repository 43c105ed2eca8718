// The server of the cores bench, in processes of its own: a primary, which answers the bench, and its workers.
// node bench/cores/server.js <workers>; with one worker the adapter is in memory
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createAdapter, setupPrimary } from '@socket.io/cluster-adapter';
import { ownCpu, serve } from '../processes.js';
import { LIMITS, repeat, TEXT } from '../servers/common.js';

const workerCount = Number(process.argv[2]);

/** Answers the primary. Its messages have a field of their own, since adapters use the same channel. */
async function startWorker() {
  await import('reflect-metadata');
  const { Module } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  const { SubscribeMessage, WebSocketGateway, WebSocketServer } = await import('@nestjs/websockets');
  const { EnvelopeAdapter } = await import('../../dist/esm/index.js');
  class BenchGateway {
    async handleConnection(client) {
      await client.join('room');
    }
    echo(_client, data) {
      return { event: 'echo', data };
    }
  }
  const { prototype } = BenchGateway;
  SubscribeMessage('echo')(prototype, 'echo', Object.getOwnPropertyDescriptor(prototype, 'echo'));
  WebSocketServer()(prototype, 'server');
  WebSocketGateway({ path: '/ws' })(BenchGateway);
  class AppModule {}
  Module({ providers: [BenchGateway] })(AppModule);

  const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
  const adapter = workerCount > 1 ? { adapter: createAdapter() } : {};
  app.useWebSocketAdapter(new EnvelopeAdapter(app, { limits: LIMITS, ...adapter }));
  await app.listen(0, '127.0.0.1');
  const { server } = app.get(BenchGateway);
  const commands = {
    port: () => app.getHttpServer().address().port,
    cpu: ownCpu,
    clients: () => server.sockets.size,
    broadcast: ({ times, perTick }) => repeat(times, perTick, () => server.to('room').emit('news', TEXT)),
  };
  const answer = async (message) =>
    process.send({ benched: (await commands[message.bench](message)) ?? null });
  process.on('message', (message) => {
    if (message.bench !== undefined) void answer(message);
  });
  process.send({ benched: 'ready' });
}

async function answerOf(worker) {
  for (;;) {
    const [message] = await once(worker, 'message');
    if (Object.hasOwn(message, 'benched')) return message.benched;
  }
}

async function startPrimary() {
  setupPrimary();
  const workers = Array.from({ length: workerCount }, () => cluster.fork());
  await Promise.all(workers.map(answerOf));
  const ask = (worker, bench, options) => {
    const answer = answerOf(worker);
    worker.send({ bench, ...options });
    return answer;
  };
  const askAll = (command) => Promise.all(workers.map((worker) => ask(worker, command)));
  serve({
    port: () => ask(workers[0], 'port'),
    cpu: async () => [ownCpu(), ...(await askAll('cpu'))],
    clients: () => askAll('clients'),
    broadcast: (options) => ask(workers[0], 'broadcast', options),
  });
}

await (cluster.isPrimary ? startPrimary() : startWorker());
