import {
  Inject,
  Logger,
  type INestApplication,
  type INestApplicationContext,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { Server } from 'node:http';
import { ServerRegistry } from './server-registry.js';
import { listPaths } from '../../server/upgrade/unknown-path.js';

const WITHOUT_ADAPTER =
  'EnvelopeModule is imported, but the application does not use EnvelopeAdapter, so injected servers have no clients. ' +
  'Add app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.listen()';

const WITHOUT_GATEWAYS =
  'No gateway is mounted, so no client can connect. List each gateway in the providers of a module, and import that ' +
  'module in AppModule';

type Class = abstract new (...args: never[]) => unknown;

/** The classes that `@InjectEnvelopeServer` injects a server into, by its path. */
const injections = new Map<string, Set<Class>>();

/** Returns the paths of `@InjectEnvelopeServer` in this process. */
export function injectedPaths(): IterableIterator<string> {
  return injections.keys();
}

/**
 * Records the use of `@InjectEnvelopeServer`.
 *
 * @param target the decorator's target: the class for a constructor parameter, the prototype for a property
 */
export function recordInjection(path: string, target: object): void {
  const type = (typeof target === 'function' ? target : target.constructor) as Class;
  const types = injections.get(path) ?? new Set();
  injections.set(path, types.add(type));
}

/**
 * Logs a warning when the application listens and no client can connect, because no module provides a gateway.
 *
 * @param paths returns the paths on which clients can connect
 * @returns a function that cancels the check
 */
export function watchForGateways(
  app: INestApplicationContext,
  paths: () => readonly string[],
  logger: Logger,
): () => void {
  // an application without an HTTP server needs no gateways
  const http =
    'getHttpServer' in app ? (app as INestApplication<Server | undefined>).getHttpServer() : undefined;
  const check = (): void => {
    if (paths().length === 0) logger.warn(WITHOUT_GATEWAYS);
  };
  http?.once('listening', check);
  return () => http?.off('listening', check);
}

/** Logs a warning when the application listens and injects a server that no client can connect to. */
export class WiringCheck implements OnApplicationBootstrap {
  private readonly logger = new Logger('EnvelopeModule');

  constructor(
    @Inject(ServerRegistry) private readonly registry: ServerRegistry,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  onApplicationBootstrap(): void {
    // an application without an HTTP server, such as one that writes a contract, needs no adapter
    const http = this.host.httpAdapter?.getHttpServer() as Server | undefined;
    if (http?.listening === true) this.check();
    else http?.once('listening', () => this.check());
  }

  private check(): void {
    const { lookup } = this.registry;
    if (lookup === undefined) return this.logger.warn(WITHOUT_ADAPTER);
    for (const [path, types] of injections) {
      const names = [...types].filter((type) => this.isProvided(type)).map((type) => type.name);
      if (names.length === 0 || lookup.has(path)) continue;
      this.logger.warn(
        `@InjectEnvelopeServer('${path}') in ${names.join(', ')}: no gateway is mounted on this path, so no client ` +
          `receives what this server emits. ${listPaths(lookup.paths())}`,
      );
    }
  }

  /** Decorators run once per process, so a recorded class may belong to another application. */
  private isProvided(type: Class): boolean {
    const isType = (metatype: unknown): boolean =>
      typeof metatype === 'function' && (metatype === type || metatype.prototype instanceof type);
    for (const { providers, controllers, injectables } of this.modules.values())
      for (const wrappers of [providers, controllers, injectables])
        for (const { metatype } of wrappers.values()) if (isType(metatype)) return true;
    return false;
  }
}
