// The server under measurement, in a process of its own: node bench/server.js on|off [dist]
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';

const [, , variant, dist = '../dist/esm/index.js'] = process.argv;
const { EnvelopeAdapter } = await import(dist);

class BenchGateway {
  echo(data) {
    return data;
  }
  handleConnection(client) {
    void client.join('room');
  }
}
const echo = Object.getOwnPropertyDescriptor(BenchGateway.prototype, 'echo');
Reflect.defineMetadata('design:paramtypes', [Object], BenchGateway.prototype, 'echo');
SubscribeMessage('echo')(BenchGateway.prototype, 'echo', echo);
WebSocketServer()(BenchGateway.prototype, 'server');
WebSocketGateway({ path: '/ws' })(BenchGateway);
class AppModule {}
Module({ providers: [BenchGateway] })(AppModule);

// Every check at work, raised where the load would trip it; or none at all.
const huge = 1e9;
const LIMITS = {
  on: { messagesPerSecond: huge, messageBurst: huge, maxConnectionsPerAddress: huge, maxInFlight: huge },
  off: Object.fromEntries(
    [
      ...[
        'maxPayload',
        'maxFragments',
        'maxJsonDepth',
        'maxEventNameLength',
        'messagesPerSecond',
        'maxInFlight',
      ],
      ...['maxRooms', 'maxRoomNameLength', 'maxBufferedBytes', 'upgradeTimeout'],
      ...['maxConnections', 'maxConnectionsPerAddress', 'maxPendingUpgrades'],
    ].map((name) => [name, false]),
  ),
};

const app = await NestFactory.create(AppModule, { logger: false });
app.useWebSocketAdapter(new EnvelopeAdapter(app, { limits: LIMITS[variant], pingInterval: 0 }));
await app.listen(0, '127.0.0.1');
const { server } = app.get(BenchGateway);

const commands = {
  port: () => app.getHttpServer().address().port,
  cpu: () => process.cpuUsage(),
  // one broadcast a tick, so many times
  broadcast: ({ times }) =>
    new Promise((resolve) => {
      let left = times;
      const next = () => {
        server.to('room').emit('news', 'a payload of some sixty characters, as chat messages have it');
        if (--left === 0) resolve();
        else setImmediate(next);
      };
      next();
    }),
};
process.on('message', ({ command, ...options }) => {
  void Promise.resolve(commands[command](options)).then((result) => process.send({ command, result }));
});
process.send({ command: 'ready' });
