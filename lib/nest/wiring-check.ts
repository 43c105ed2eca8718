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
import { listPaths } from '../server/upgrade/unknown-path.js';

const WITHOUT_ADAPTER =
  'EnvelopeModule is imported, but the application does not use EnvelopeAdapter: injected servers reach nobody. Add ' +
  'app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.listen()';

const WITHOUT_GATEWAYS =
  'No gateway is mounted, so no client can connect. List each gateway in the providers of a module, and import that ' +
  'module in AppModule';

type Class = abstract new (...args: never[]) => unknown;

/** The classes that have a server injected, by its path. */
const injecting = new Map<string, Set<Class>>();

/** The paths of all servers that are injected somewhere. */
export function injectedPaths(): IterableIterator<string> {
  return injecting.keys();
}

/** @param target as a decorator gets it: the class of a constructor's parameter, the prototype of a property */
export function rememberInjection(path: string, target: object): void {
  const type = (typeof target === 'function' ? target : target.constructor) as Class;
  const types = injecting.get(path) ?? new Set();
  injecting.set(path, types.add(type));
}

/**
 * Warns, once the application listens, where no client can connect, because no module provides a gateway.
 *
 * @param paths on which clients can connect by then
 * @returns what ends the check
 */
export function watchForGateways(
  app: INestApplicationContext,
  paths: () => readonly string[],
  logger: Logger,
): () => void {
  // an application without HTTP needs no gateways
  const http =
    'getHttpServer' in app ? (app as INestApplication<Server | undefined>).getHttpServer() : undefined;
  const check = (): void => {
    if (paths().length === 0) logger.warn(WITHOUT_GATEWAYS);
  };
  http?.once('listening', check);
  return () => http?.off('listening', check);
}

/** Warns, once the application listens, of servers that are injected and that no client can connect to. */
export class WiringCheck implements OnApplicationBootstrap {
  private readonly logger = new Logger('EnvelopeModule');

  constructor(
    @Inject(ServerRegistry) private readonly registry: ServerRegistry,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  onApplicationBootstrap(): void {
    // an application without HTTP, such as one that writes a contract, needs no adapter
    const http = this.host.httpAdapter?.getHttpServer() as Server | undefined;
    if (http?.listening === true) this.check();
    else http?.once('listening', () => this.check());
  }

  private check(): void {
    const { lookup } = this.registry;
    if (lookup === undefined) return this.logger.warn(WITHOUT_ADAPTER);
    for (const [path, types] of injecting) {
      const names = [...types].filter((type) => this.isProvided(type)).map((type) => type.name);
      if (names.length === 0 || lookup.has(path)) continue;
      this.logger.warn(
        `@InjectEnvelopeServer('${path}') in ${names.join(', ')}: no gateway is mounted on this path, so nobody gets ` +
          `what it sends. ${listPaths(lookup.paths())}`,
      );
    }
  }

  /** Decorators belong to the process, and it may have several applications. */
  private isProvided(type: Class): boolean {
    const isType = (metatype: unknown): boolean =>
      typeof metatype === 'function' && (metatype === type || metatype.prototype instanceof type);
    for (const { providers, controllers, injectables } of this.modules.values())
      for (const wrappers of [providers, controllers, injectables])
        for (const { metatype } of wrappers.values()) if (isType(metatype)) return true;
    return false;
  }
}
