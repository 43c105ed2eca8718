// The same gateway on each adapter of Nest:
// node bench/servers/nest.js envelope|ws|socket.io [build of this package] [variant]
// variant: no limits, with context, with telemetry, with Socket.IO (beside bare clients), for Socket.IO (its clients only),
// compressed, compressed by ws, uncompressed, over HTTP
import 'reflect-metadata';
import { Module, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { ownCpu, ownMemory, serve } from '../processes.js';
import { LIMITS, LIST, manySmallRooms, NO_LIMITS, repeat, TEXT } from './common.js';

const [, , kind, build = '../../dist/esm/index.js', variant] = process.argv;
/** A native socket has no rooms, so its application loops over all clients. */
const hasRooms = kind !== 'ws';
const isForSocketIO = kind === 'socket.io' || variant === 'for Socket.IO';
const clients = new Set();

class Guard {
  canActivate = () => true;
}
class Pipe {
  transform = (value) => value;
}
class Interceptor {
  intercept = (_context, next) => next.handle();
}

class BenchGateway {
  handleConnection(client) {
    clients.add(client);
    if (hasRooms) void client.join('room');
  }
  handleDisconnect(client) {
    clients.delete(client);
  }
  echo(_client, data) {
    return { event: 'echo', data };
  }
  guarded(_client, data) {
    return { event: 'guarded', data };
  }
  ask(_client, data) {
    return data;
  }
}
const OTHERS = Array.from({ length: 7 }, (_, i) => `other ${i}`);
for (const name of OTHERS) BenchGateway.prototype[name] = () => undefined;

function handle(name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(BenchGateway.prototype, name);
  for (const decorate of [SubscribeMessage(name), ...decorators])
    decorate(BenchGateway.prototype, name, descriptor);
}
handle('echo');
handle('guarded', UseGuards(Guard), UsePipes(Pipe), UseInterceptors(Interceptor));
handle('ask');
// ten handlers in all, as in the gateway of a real application
for (const name of OTHERS) handle(name);
WebSocketServer()(BenchGateway.prototype, 'server');
// clients of Socket.IO join the namespace "/": Nest's adapter has it without a path, ours at the path "/"
const ofSocketIO = kind === 'socket.io' ? {} : { path: '/' };
WebSocketGateway(isForSocketIO ? ofSocketIO : { path: '/ws' })(BenchGateway);
class AppModule {}
Module({ providers: [BenchGateway] })(AppModule);

async function socketIO() {
  const entry = await import(new URL('./socketio/index.js', new URL(build, import.meta.url)));
  return entry.socketIO();
}

async function httpStreaming() {
  const entry = await import(new URL('./http-streaming/index.js', new URL(build, import.meta.url)));
  return entry.httpStreaming({ rotateAfter: 0, rotateAt: 1e12 });
}

const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
const ADAPTERS = {
  async envelope() {
    if (variant === 'with telemetry') await import('./telemetry.js');
    const { EnvelopeAdapter } = await import(build);
    return new EnvelopeAdapter(app, {
      limits: variant === 'no limits' ? NO_LIMITS : LIMITS,
      messageContext: variant === 'with context',
      ...(variant === 'compressed' && { perMessageDeflate: true }),
      ...(variant === 'compressed by ws' && { perMessageDeflate: { shared: false } }),
      ...(variant === 'over HTTP' && { transports: [await httpStreaming()] }),
      ...(variant?.endsWith('Socket.IO') && { transports: [await socketIO()] }),
    });
  },
  ws: () => new WsAdapter(app),
  'socket.io': () => new IoAdapter(app),
};
app.useWebSocketAdapter(await ADAPTERS[kind]());
await app.listen(0, '127.0.0.1');
const { server } = app.get(BenchGateway);

const news = () => JSON.stringify({ event: 'news', data: TEXT });
const broadcast = hasRooms
  ? (room) => server.to(room).emit('news', TEXT)
  : () => {
      const text = news();
      for (const client of server.clients) client.send(text);
    };
const direct = hasRooms ? (client) => client.emit('news', TEXT) : (client) => client.send(news());
const pick = (list) => list[Math.floor(Math.random() * list.length)];
let rooms = [];

serve({
  port: () => app.getHttpServer().address().port,
  cpu: ownCpu,
  memory: ownMemory,
  clients: () => clients.size,
  // an echo without a handler of Nest
  listen() {
    for (const client of clients) client.on('listen', (data) => void client.emit('listen', data));
  },
  broadcast: ({ times, perTick }) => repeat(times, perTick, () => broadcast('room')),
  broadcastList: ({ times, perTick }) => repeat(times, perTick, () => server.to('room').emit('news', LIST)),
  direct({ times, perTick }) {
    const all = [...clients];
    return repeat(times, perTick, () => direct(pick(all)));
  },
  fill({ size }) {
    const names = new Set();
    manySmallRooms([...clients], size, (client, room) => {
      names.add(room);
      void client.join(room);
    });
    rooms = [...names];
  },
  rooms: ({ times, perTick }) => repeat(times, perTick, () => broadcast(pick(rooms))),
  async churn({ times }) {
    const [client] = clients;
    for (let i = 0; i < times; i++) {
      await client.join(`room ${i % 1_000}`);
      await client.leave(`room ${i % 1_000}`);
    }
  },
});
