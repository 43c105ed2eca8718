import { NestFactory } from '@nestjs/core';
import { Module } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { EnvelopeAdapter } from '../../../lib/index.js';
import { setUpConsole, TalkGateway } from '../../browser/console-gateway.js';
import { serveCommands, settings } from './program.js';

/** A node of a cluster on Redis, with the console. */
@Module({ providers: [TalkGateway] })
class Root {}

const { url } = settings<{ url: string }>();
const [publisher, subscriber] = [new Redis(url), new Redis(url)].map((client) =>
  client.on('error', () => undefined),
) as [Redis, Redis];
const nest = await NestFactory.create(Root, { logger: ['warn', 'error', 'fatal'] });
setUpConsole(nest);
nest.useWebSocketAdapter(new EnvelopeAdapter(nest, { adapter: createAdapter(publisher, subscriber) }));
await nest.listen(0, '127.0.0.1');
serveCommands({ port: () => (nest.getHttpServer().address() as AddressInfo).port });
