import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ApplicationConfig, type ContextId } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import type { UpgradeGuards } from '../options/options.js';
import type { ErrorReporter } from '../../server/diagnostics/types.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { refusal, type HttpRefusal } from '../../server/upgrade/http-refusal.js';
import { UpgradeContext } from './upgrade-context.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { isClientFault } from '../errors/envelope-exception-filter.js';
import { isHttpException, isWsException } from '../errors/nest-exceptions.js';
import { NEST } from '../gateways/nest-metadata.js';

/** A guard in `@UseGuards`: a class or an instance. */
export type GuardRef = Type<CanActivate> | CanActivate;
type Wrapper = Gateway['wrapper'];
/** Nest's injector, which every `ModuleRef` has in a protected field. */
interface Injector {
  loadPerContext<Instance>(
    instance: Instance,
    module: object,
    collection: ReadonlyMap<unknown, Wrapper>,
    context: ContextId,
    wrapper: Wrapper,
  ): Promise<Instance>;
}
/** The part of Nest's `ApplicationConfig` that has the global guards. */
type GlobalGuards = Pick<ApplicationConfig, 'getGlobalGuards' | 'getGlobalRequestGuards'>;

/** Returns the guards of one gateway that run at the upgrade, in Nest's order. */
export function guardsAtUpgrade(gateway: Gateway, option: UpgradeGuards): readonly GuardRef[] {
  if (option === false) return [];
  const ofClass = option === 'handleConnection' ? [] : guardsOf(gateway.type);
  return [...ofClass, ...guardsOf(gateway.handleConnection)];
}

/** Returns the names of the guards that run at the upgrade, for the start-up log. */
export function guardNames(gateway: Gateway, option: UpgradeGuards): string[] {
  const names = guardsAtUpgrade(gateway, option).map((guard) =>
    typeof guard === 'function' ? guard.name : guard.constructor.name,
  );
  return option === 'global' ? ['global guards', ...names] : names;
}

/** Returns the guards that `@UseGuards` set on a class or a method. */
export function guardsOf(target: object | undefined): GuardRef[] {
  if (target === undefined) return [];
  return (Reflect.getMetadata(NEST.guards, target) as GuardRef[] | undefined) ?? [];
}

/**
 * Returns a function that runs the guards of all gateways of a path for one client. All guards must let the client connect.
 * The function returns a promise of the first refusal, or of `undefined`. The promise never rejects.
 *
 * @param globals Nest's configuration with the global guards, which run first if `option` is `'global'`
 * @param report receives errors of guards other than an `HttpException` or a `WsException`
 * @returns `undefined` if no guard runs at the upgrade
 */
export function upgradeGuards(
  gateways: readonly Gateway[],
  option: UpgradeGuards,
  globals: GlobalGuards | undefined,
  report: ErrorReporter,
): ((client: EnvelopeSocket) => Promise<HttpRefusal | undefined>) | undefined {
  const guarded = gateways
    .map((gateway) => ({ gateway, refs: guardsAtUpgrade(gateway, option) }))
    .filter(({ refs }) => refs.length > 0 || option === 'global');
  if (guarded.length === 0) return undefined;
  return async (client) => {
    for (const { gateway, refs } of guarded) {
      const context = new UpgradeContext(client, gateway.type, gateway.handleConnection ?? noHandler);
      const globalRefs = option === 'global' ? globalGuards(globals) : [];
      const refused = await runGuards<GuardRef | Wrapper>(
        [...globalRefs, ...refs],
        (ref) => instanceOf(ref, gateway, client),
        client,
        context,
        (error, isExpected) =>
          report(error, `a guard of ${gateway.type.name} threw`, undefined, { client, isExpected }),
      );
      if (refused !== undefined) return { ...refused, headers: context.response._headers };
    }
    return undefined;
  };
}

/**
 * Runs one guard after the other, and returns the first refusal. Never rejects.
 *
 * @param load returns the instance of a guard
 * @param report receives errors that are not the client's fault. Those that are `isExpected`, with a status, are not logged
 */
export async function runGuards<Ref>(
  refs: readonly Ref[],
  load: (ref: Ref) => CanActivate | Promise<CanActivate>,
  client: EnvelopeSocket,
  context: ExecutionContext,
  report: (error: unknown, isExpected: boolean) => void,
): Promise<HttpRefusal | undefined> {
  for (const ref of refs) {
    try {
      const guard = await load(ref);
      if (!(await resultOf(guard.canActivate(context)))) return refusal(403, 'Forbidden resource');
    } catch (error) {
      return toRefusal(error, report);
    }
    // the guard has disconnected the client
    if (client._isEnded) return refusal(403, 'Forbidden resource');
  }
  return undefined;
}

function noHandler(): void {}

async function resultOf(result: ReturnType<CanActivate['canActivate']>): Promise<boolean> {
  const value = await result;
  return isObservable(value) ? lastValueFrom(value) : value;
}

/** Returns the guards of `app.useGlobalGuards(…)` and of `APP_GUARD`. */
function globalGuards(globals: GlobalGuards | undefined): (CanActivate | Wrapper)[] {
  return [...(globals?.getGlobalGuards() ?? []), ...(globals?.getGlobalRequestGuards() ?? [])];
}

/** Returns the instance that Nest uses for messages. It creates a request-scoped or transient guard for this client. */
async function instanceOf(
  ref: GuardRef | Wrapper,
  gateway: Gateway,
  client: EnvelopeSocket,
): Promise<CanActivate> {
  if ('canActivate' in ref) return ref;
  const wrapper = typeof ref === 'function' ? gateway.wrapper.host?.injectables.get(ref) : ref;
  if (wrapper === undefined) throw new Error(`Nest has no instance of the guard ${(ref as Type).name}`);
  if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) return wrapper.instance as CanActivate;
  const host = wrapper.host!;
  const module = host.providers.get(ModuleRef)?.instance as ModuleRef;
  const context = contextOf(client, gateway.wrapper, module);
  // not module.resolve(): if the class is also a provider, it would find the instance of the provider
  const injector = Reflect.get(module, 'injector') as Injector;
  return injector.loadPerContext(wrapper.instance as CanActivate, host, host.injectables, context, wrapper);
}

/**
 * Returns the context in which Nest creates request-scoped instances. Nest 12 stores one on each client, under a key that
 * it does not export. This function stores it under the same key, so that messages get the same instances as the upgrade.
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

const CONTEXT_KEY = findContextKey();

/** Returns the first property that Nest reads from a request. */
function findContextKey(): string | symbol | undefined {
  let key: string | symbol | undefined;
  ContextIdFactory.getByRequest(new Proxy({}, { get: (_, property) => void (key ??= property) }));
  return key;
}

/** Converts an error that a guard threw to an HTTP response. Without a status between 300 and 599 it is 401 or 403. */
function toRefusal(error: unknown, report: (error: unknown, isExpected: boolean) => void): HttpRefusal {
  if (isHttpException(error)) {
    if (!isClientFault(error)) report(error, true);
    const status = error.getStatus();
    const response = error.getResponse();
    const body = typeof response === 'string' ? { statusCode: status, message: response } : response;
    return { status: isRefusalStatus(status) ? status : 403, body };
  }
  if (isWsException(error)) {
    const thrown: unknown = error.getError();
    // no string: new WsException(error.message), where `error` is no Error
    if (typeof thrown !== 'object' || thrown === null)
      return refusal(401, typeof thrown === 'string' ? thrown : 'Unauthorized');
    const status: unknown = Reflect.get(thrown, 'statusCode') ?? Reflect.get(thrown, 'status');
    const known = isRefusalStatus(status) ? status : 401;
    return { status: known, body: { statusCode: known, message: error.message, ...thrown } };
  }
  report(error, false);
  return refusal(500, 'Internal server error');
}

function isRefusalStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 300 && (status as number) <= 599;
}
