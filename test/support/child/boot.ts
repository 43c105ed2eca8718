import type { AddressInfo, ListenOptions } from 'node:net';
import { Module, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EnvelopeAdapter, type EnvelopeOptions } from '../../../lib/index.js';

export interface Booted {
  nest: INestApplication;
  port: number;
}

/**
 * Starts the application of a child process, on the HTTP platform of this run. The parent finds its log in `output`.
 *
 * @param before runs before the adapter is created
 */
export async function boot(
  metadata: ModuleMetadata,
  options: EnvelopeOptions = {},
  host: string | ListenOptions = '127.0.0.1',
  before: (nest: INestApplication) => void = () => undefined,
): Promise<Booted> {
  class Root {}
  Module(metadata)(Root);
  const http = process.env['HTTP_PLATFORM'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const nest = await NestFactory.create(Root, http, { logger: ['warn', 'error', 'fatal'] });
  before(nest);
  nest.useWebSocketAdapter(new EnvelopeAdapter(nest, options));
  nest.enableShutdownHooks();
  if (typeof host === 'string') await nest.listen(0, host);
  // both platforms accept the arguments of Node's listen(), though Nest's type does not allow them
  else await nest.listen(host as unknown as number);
  return { nest, port: (nest.getHttpServer().address() as AddressInfo).port };
}
