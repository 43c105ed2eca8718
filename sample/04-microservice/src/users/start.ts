import type { AddressInfo, Server } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { EnvelopeTransport } from 'nestjs-envelope/microservices';
import { UsersModule } from './users.module.js';

/** Starts the users service: the same handlers over TCP, and over a WebSocket on the HTTP port. */
export async function startUsers(httpPort: number, tcpPort: number): Promise<INestApplication> {
  const app = await NestFactory.create(UsersModule);
  const adapter = new EnvelopeAdapter(app);
  app.useWebSocketAdapter(adapter);
  const tcp = app.connectMicroservice({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: tcpPort },
  });
  app.connectMicroservice({ strategy: new EnvelopeTransport(adapter, { path: '/rpc' }) });
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(httpPort, '127.0.0.1');
  console.log(
    `The users service also listens for TCP on port ${(tcp.unwrap<Server>().address() as AddressInfo).port}`,
  );
  return app;
}
