import type { CanActivate, Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ApplicationConfig, type ContextId } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import type { UpgradeGuards } from '../options/options.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { refusal, type HttpRefusal } from '../../server/upgrade/http-refusal.js';
import { UpgradeContext } from './upgrade-context.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { isHttpException, isWsException } from '../errors/nest-exceptions.js';
import { NEST } from '../gateways/nest-metadata.js';

/** What `@UseGuards` takes. */
export type GuardRef = Type<CanActivate> | CanActivate;
type Wrapper = Gateway['wrapper'];
/** Nest's own, which every `ModuleRef` has in a protected field. */
interface Injector {
  loadPerContext<Made>(
    instance: Made,
    module: object,
    collection: ReadonlyMap<unknown, Wrapper>,
    context: ContextId,
    wrapper: Wrapper,
  ): Promise<Made>;
}
/** The part of Nest's `ApplicationConfig` that has the global guards. */
type GlobalGuards = Pick<ApplicationConfig, 'getGlobalGuards' | 'getGlobalRequestGuards'>;

/** The guards of one gateway that run at the upgrade, in Nest's order. */
export function guardsAtUpgrade(gateway: Gateway, option: UpgradeGuards): readonly GuardRef[] {
  if (option === false) return [];
  const ofClass = option === 'handleConnection' ? [] : guardsOf(gateway.type);
  return [...ofClass, ...guardsOf(gateway.handleConnection)];
}

/** The names by which the start-up log tells of them. */
export function guardNames(gateway: Gateway, option: UpgradeGuards): string[] {
  const names = guardsAtUpgrade(gateway, option).map((guard) =>
    typeof guard === 'function' ? guard.name : guard.constructor.name,
  );
  return option === 'global' ? ['global guards', ...names] : names;
}

/** The guards that `@UseGuards` gave a class or a method. */
export function guardsOf(target: object | undefined): GuardRef[] {
  if (target === undefined) return [];
  return (Reflect.getMetadata(NEST.guards, target) as GuardRef[] | undefined) ?? [];
}

/**
 * Asks the guards of all gateways of a path whether a client may connect; all must agree. It never rejects.
 *
 * @param globals the application's own, which run first where they are asked for
 * @param report hears of what a guard threw that is neither an `HttpException` nor a `WsException`
 * @returns `undefined` where there is no guard to ask
 */
export function upgradeGuards(
  gateways: readonly Gateway[],
  option: UpgradeGuards,
  globals: GlobalGuards | undefined,
  report: (error: unknown, where: string) => void,
): ((client: EnvelopeSocket) => Promise<HttpRefusal | undefined>) | undefined {
  const guarded = gateways
    .map((gateway) => ({ gateway, refs: guardsAtUpgrade(gateway, option) }))
    .filter(({ refs }) => refs.length > 0 || option === 'global');
  if (guarded.length === 0) return undefined;
  return async (client) => {
    for (const { gateway, refs } of guarded) {
      const context = new UpgradeContext(client, gateway.type, gateway.handleConnection ?? noHandler);
      const everywhere = option === 'global' ? globalGuards(globals) : [];
      const refused = await askAll([...everywhere, ...refs], gateway, client, context, report);
      if (refused !== undefined) return { ...refused, headers: context.response._headers };
    }
    return undefined;
  };
}

/** Asks one guard after the other; the first refusal is the answer. */
async function askAll(
  refs: readonly (GuardRef | Wrapper)[],
  gateway: Gateway,
  client: EnvelopeSocket,
  context: UpgradeContext,
  report: (error: unknown, where: string) => void,
): Promise<HttpRefusal | undefined> {
  for (const ref of refs) {
    try {
      const guard = await instanceOf(ref, gateway, client);
      if (!(await outcome(guard.canActivate(context)))) return refusal(403, 'Forbidden resource');
    } catch (error) {
      return toRefusal(error, (unknown) => report(unknown, `a guard of ${gateway.type.name} threw`));
    }
    // it has hung up on the client
    if (client._gone) return refusal(403, 'Forbidden resource');
  }
  return undefined;
}

function noHandler(): void {}

async function outcome(result: ReturnType<CanActivate['canActivate']>): Promise<boolean> {
  const value = await result;
  return isObservable(value) ? lastValueFrom(value) : value;
}

/** Those of `app.useGlobalGuards(…)` and of `APP_GUARD`. */
function globalGuards(globals: GlobalGuards | undefined): (CanActivate | Wrapper)[] {
  return [...(globals?.getGlobalGuards() ?? []), ...(globals?.getGlobalRequestGuards() ?? [])];
}

/** The instance that Nest asks at every message; one that Nest makes for each request is made for this client. */
async function instanceOf(
  ref: GuardRef | Wrapper,
  gateway: Gateway,
  client: EnvelopeSocket,
): Promise<CanActivate> {
  if ('canActivate' in ref) return ref;
  const wrapper = typeof ref === 'function' ? gateway.wrapper.host?.injectables.get(ref) : ref;
  if (wrapper === undefined) throw new Error(`Nest has no instance of ${(ref as Type).name}`);
  if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) return wrapper.instance as CanActivate;
  const host = wrapper.host!;
  const module = host.providers.get(ModuleRef)?.instance as ModuleRef;
  const context = contextOf(client, gateway.wrapper, module);
  // not module.resolve(): where the class is a provider as well, that finds the provider's instance
  const injector = Reflect.get(module, 'injector') as Injector;
  return injector.loadPerContext(wrapper.instance as CanActivate, host, host.injectables, context, wrapper);
}

/**
 * The context in which Nest makes what is request-scoped. Nest 12 keeps one for each client, under a key that it does
 * not export: left there, its messages get the very instances that the upgrade got.
 */
function contextOf(client: EnvelopeSocket, wrapper: Wrapper, module: ModuleRef): ContextId {
  const context: ContextId & { payload?: unknown } = ContextIdFactory.getByRequest(client);
  if (CONTEXT_KEY === undefined || Reflect.has(client, CONTEXT_KEY)) return context;
  Object.defineProperty(client, CONTEXT_KEY, { value: context, configurable: true });
  const isDurable = wrapper.isDependencyTreeDurable();
  module.registerRequestByContextId(
    isDurable ? context.payload : Object.assign(client, context.payload),
    context,
  );
  return context;
}

const CONTEXT_KEY = learnContextKey();

/** The first thing that Nest asks a request for. */
function learnContextKey(): string | symbol | undefined {
  let key: string | symbol | undefined;
  ContextIdFactory.getByRequest(new Proxy({}, { get: (_, asked) => void (key ??= asked) }));
  return key;
}

/** What a guard threw, as an HTTP answer. */
function toRefusal(error: unknown, report: (error: unknown) => void): HttpRefusal {
  if (isHttpException(error)) {
    const status = error.getStatus();
    const response = error.getResponse();
    const body = typeof response === 'string' ? { statusCode: status, message: response } : response;
    return { status: isRefusalStatus(status) ? status : 403, body };
  }
  if (isWsException(error)) {
    const thrown: unknown = error.getError();
    // thrown with nothing at hand: new WsException(error.message) of what was no Error
    if (typeof thrown !== 'object' || thrown === null)
      return refusal(401, typeof thrown === 'string' ? thrown : 'Unauthorized');
    const status: unknown = Reflect.get(thrown, 'statusCode') ?? Reflect.get(thrown, 'status');
    const known = isRefusalStatus(status) ? status : 401;
    return { status: known, body: { statusCode: known, message: error.message, ...thrown } };
  }
  report(error);
  return refusal(500, 'Internal server error');
}

function isRefusalStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 300 && (status as number) <= 599;
}
