import type { INestApplicationContext, InjectionToken, Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { GatewayOptions } from '../options/options.js';
import { toPort } from '../../server/upgrade/port.js';
import { NEST } from './nest-metadata.js';

type Module = ModulesContainer extends Map<string, infer Value> ? Value : never;
type ProviderWrapper = Module['providers'] extends Map<unknown, infer Value> ? Value : never;

/** One gateway of the application, as its decorators describe it. */
export interface Gateway {
  readonly type: Type;
  /** The port that the decorator names; 0: the application's. */
  readonly port: number;
  readonly options: GatewayOptions;
  /** Made anew for each client, by Nest 12. */
  readonly isRequestScoped: boolean;
  readonly wrapper: ProviderWrapper;
  readonly messages: readonly string[];
  /** The functions behind `@SubscribeMessage`. */
  readonly handlers: readonly object[];
  readonly hooks: readonly string[];
  /** The hook itself, as the class declares it. */
  readonly handleConnection: (() => unknown) | undefined;
}

const HOOKS = ['afterInit', 'handleConnection', 'handleDisconnect'];

/** Finds the gateways of an application, in the order of their registration, in which Nest binds them. */
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

/**
 * What some module provides under a token, `undefined` where none does. `app.get` will not do for that: an
 * application that `NestFactory` made ends the process where it finds nothing.
 */
export function findProvider<Value>(app: INestApplicationContext, token: InjectionToken): Value | undefined {
  for (const module of app.get(ModulesContainer, { strict: false }).values()) {
    const wrapper = module.providers.get(token);
    if (wrapper !== undefined) return wrapper.instance as Value;
  }
  return undefined;
}

/**
 * Tells Nest of a port that it does not see: a text, `@WebSocketGateway('4001')`, or one among the options. Nest would
 * take gateways of several ports for one server.
 *
 * @returns what undoes that; `undefined` where there was nothing to tell
 */
export function declarePort({ type, port, options }: Gateway): (() => void) | undefined {
  const before: unknown[] = [NEST.port, NEST.gatewayOptions].map((key) => Reflect.getMetadata(key, type));
  const tell = (told: number | undefined, all: unknown): void => {
    Reflect.defineMetadata(NEST.port, told, type);
    Reflect.defineMetadata(NEST.gatewayOptions, all, type);
  };
  const told = toPort(options.port) ?? port;
  if (told === before[0]) return undefined;
  tell(told, options);
  return () => tell(before[0] as number, before[1]);
}

function describe(type: Type, wrapper: ProviderWrapper): Gateway {
  const prototype = type.prototype as Record<string, unknown>;
  const handlers = new MetadataScanner()
    .getAllMethodNames(prototype)
    .map((name) => prototype[name] as object)
    .filter((method) => Reflect.getMetadata(NEST.isMessageHandler, method) === true);
  const instance = wrapper.instance as object | undefined;
  const options = Reflect.getMetadata(NEST.gatewayOptions, type) as GatewayOptions | string | undefined;
  // Nest takes a port that is a text for the options
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
