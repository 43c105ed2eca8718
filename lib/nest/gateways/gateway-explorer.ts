import type { INestApplicationContext, InjectionToken, Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { GatewayOptions } from '../options/options.js';
import { toPort } from '../../server/upgrade/port.js';
import { NEST } from './nest-metadata.js';

type Module = ModulesContainer extends Map<string, infer Value> ? Value : never;
type ProviderWrapper = Module['providers'] extends Map<unknown, infer Value> ? Value : never;

/** A gateway of the application, as its decorators describe it. */
export interface Gateway {
  /** The class of the gateway. */
  readonly type: Type;
  /** The port that the decorator names; 0 for the application's HTTP server. */
  readonly port: number;
  /** The options of `@WebSocketGateway`. */
  readonly options: GatewayOptions;
  /** Whether the gateway or one of its dependencies is request-scoped. Nest 12 creates such a gateway for each client. */
  readonly isRequestScoped: boolean;
  /** Nest's record of the provider. */
  readonly wrapper: ProviderWrapper;
  /** The events of its handlers. */
  readonly messages: readonly string[];
  /** The methods with `@SubscribeMessage`. */
  readonly handlers: readonly object[];
  /** The names of its lifecycle hooks. */
  readonly hooks: readonly string[];
  /** The method `handleConnection` of the class; `undefined` if it has none. */
  readonly handleConnection: (() => unknown) | undefined;
}

const HOOKS = ['afterInit', 'handleConnection', 'handleDisconnect'];

/** Returns the gateways of an application, in the order of their registration, which is the order in which Nest binds them. */
export function exploreGateways(app: INestApplicationContext): Gateway[] {
  const modules = app.get(ModulesContainer, { strict: false });
  const gateways: Gateway[] = [];
  for (const module of modules.values()) {
    for (const wrapper of module.providers.values()) {
      const type = wrapper.metatype as Type | null;
      if (wrapper.isNotMetatype || typeof type !== 'function') continue;
      if (Reflect.getMetadata(NEST.isGateway, type) !== true) continue;
      gateways.push(describe(type, wrapper));
    }
  }
  return gateways;
}

/** Returns the classes of an application's controllers. */
export function exploreControllers(app: INestApplicationContext): Type[] {
  const modules = [...app.get(ModulesContainer, { strict: false }).values()];
  const wrappers = modules.flatMap((module) => [...module.controllers.values()]);
  return wrappers.map(({ metatype }) => metatype as Type | null).filter((type) => type !== null);
}

/**
 * Returns the value that a module provides for a token; `undefined` if no module does. It does not use `app.get`, which
 * ends the process if it finds nothing in an application of `NestFactory`.
 */
export function findProvider<Value>(app: INestApplicationContext, token: InjectionToken): Value | undefined {
  for (const module of app.get(ModulesContainer, { strict: false }).values()) {
    const wrapper = module.providers.get(token);
    if (wrapper !== undefined) return wrapper.instance as Value;
  }
  return undefined;
}

/**
 * Writes the port of a gateway into Nest's metadata, if Nest does not read it: a string, `@WebSocketGateway('4001')`, or
 * the option `port`. Without it, Nest would use one server for gateways on several ports.
 *
 * @returns a function that restores the metadata; `undefined` if Nest reads the port itself
 */
export function declarePort({ type, port, options }: Gateway): (() => void) | undefined {
  const before: unknown[] = [NEST.port, NEST.gatewayOptions].map((key) => Reflect.getMetadata(key, type));
  const write = (newPort: unknown, newOptions: unknown): void => {
    Reflect.defineMetadata(NEST.port, newPort, type);
    Reflect.defineMetadata(NEST.gatewayOptions, newOptions, type);
  };
  const actualPort = toPort(options.port) ?? port;
  if (actualPort === before[0]) return undefined;
  write(actualPort, options);
  return () => write(before[0], before[1]);
}

function describe(type: Type, wrapper: ProviderWrapper): Gateway {
  const prototype = type.prototype as Record<string, unknown>;
  const handlers = new MetadataScanner()
    .getAllMethodNames(prototype)
    .map((name) => prototype[name] as object)
    .filter((method) => Reflect.getMetadata(NEST.isMessageHandler, method) === true);
  const instance = wrapper.instance as object | undefined;
  const options = Reflect.getMetadata(NEST.gatewayOptions, type) as GatewayOptions | string | undefined;
  // Nest takes a port that is a string as the options
  const port = typeof options === 'string' ? toPort(options) : undefined;
  return {
    type,
    port: port ?? (Reflect.getMetadata(NEST.port, type) as number | undefined) ?? 0,
    options: port === undefined ? ((options as GatewayOptions | undefined) ?? {}) : {},
    isRequestScoped: !wrapper.isDependencyTreeStatic(),
    wrapper,
    messages: handlers.map((method) => String(Reflect.getMetadata(NEST.message, method))),
    handlers,
    handleConnection: prototype['handleConnection'] as (() => unknown) | undefined,
    hooks: HOOKS.filter(
      (hook) => typeof (instance ? Reflect.get(instance, hook) : prototype[hook]) === 'function',
    ),
  };
}
