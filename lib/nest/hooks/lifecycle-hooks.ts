import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { hookStarted } from './hook-tracker.js';
import { isClientFault } from '../errors/envelope-exception-filter.js';
import type { Gateway } from '../gateways/gateway-explorer.js';
import { failConnection, InstantiationErrorFilter } from './connection-failure.js';
import { NEST } from '../gateways/nest-metadata.js';
import { SharedPatch } from '../gateways/shared-patch.js';

type Hook = (this: object, client: unknown, ...args: unknown[]) => unknown;
type HookName = 'handleConnection' | 'handleDisconnect';

const NO_HOOK: Hook = () => undefined;

const patches = new SharedPatch<object>();

/**
 * Wraps `handleConnection` and `handleDisconnect` of a gateway. Nest ignores their promises, and an error in them ends
 * the process. With the wrapper, the connection waits for the hooks, their errors are handled, and `handleDisconnect`
 * receives the reason on Nest 11 as well. No other code of this package patches the application's classes.
 *
 * For a client that is not an {@link EnvelopeSocket}, for example in a unit test, the wrapper calls the original hook.
 *
 * @returns a function that restores the hooks
 */
export function wrapHooks(gateway: Gateway): () => void {
  const prototype = gateway.type.prototype as object;
  const undos = [patches.acquire(prototype, () => wrapHooksOf(prototype, gateway, prototype))];
  // a hook that is a property, such as an arrow function, belongs to the instance
  const instance = gateway.wrapper.instance as object | null | undefined;
  const hasOwnHook =
    instance && (Object.hasOwn(instance, 'handleConnection') || Object.hasOwn(instance, 'handleDisconnect'));
  if (!gateway.isRequestScoped && hasOwnHook === true) {
    undos.push(patches.acquire(instance, () => wrapHooksOf(instance, gateway, undefined)));
  }
  return () => undos.forEach((undo) => undo());
}

/**
 * Wraps the hooks on a prototype or an instance.
 *
 * @param prototype the prototype of the class; `undefined` if the target is an instance
 */
function wrapHooksOf(target: object, gateway: Gateway, prototype: object | undefined): () => void {
  const undoConnection = replaceHook(
    target,
    'handleConnection',
    gateway,
    (original) => {
      const seesRequest = readsMoreArguments(original);
      return wrapOutermost(original, prototype, (client, call) => {
        if (seesRequest) client._upgrade.keep();
        runConnection(gateway, original, client, call);
      });
    },
    (original) => (client, error) =>
      hookStarted(client, failConnection(gateway.type, original, client, error), true),
  );
  const undoDisconnect = replaceHook(
    target,
    'handleDisconnect',
    gateway,
    (original) => wrapOutermost(original, prototype, (client, call) => runDisconnect(client, call)),
    (original) => (client, error) => {
      if (original !== NO_HOOK && !isClientFault(error))
        client._report(error, 'handleDisconnect was not called');
    },
  );
  return () => {
    undoConnection();
    undoDisconnect();
  };
}

/**
 * Replaces a hook with its wrapper, and copies the metadata.
 *
 * @param onInstantiationError handles the error if Nest 12 cannot create the request-scoped gateway whose hook it would
 * call
 * @returns a function that restores the hook
 */
function replaceHook(
  target: object,
  name: HookName,
  gateway: Gateway,
  wrap: (original: Hook) => Hook,
  onInstantiationError: (original: Hook) => (client: EnvelopeSocket, error: unknown) => void,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  // without the hook, Nest 12 throws an error in the creation of a request-scoped gateway where no code can catch it
  const original =
    (Reflect.get(target, name) as Hook | undefined) ?? (gateway.isRequestScoped ? NO_HOOK : undefined);
  if (typeof original !== 'function') return () => undefined;
  const value = wrap(original);
  for (const key of Reflect.getMetadataKeys(original) as string[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), value);
  }
  if (gateway.isRequestScoped)
    Reflect.defineMetadata(
      NEST.filters,
      [new InstantiationErrorFilter(onInstantiationError(original))],
      value,
    );
  Object.defineProperty(target, name, {
    value,
    writable: true,
    configurable: true,
    enumerable: own?.enumerable ?? false,
  });
  return () => {
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

/**
 * Returns whether a hook may read more arguments than its client. Returns `true` if its source code does not show that.
 */
function readsMoreArguments(hook: Hook): boolean {
  const text = Function.prototype.toString.call(hook);
  const parameters = text.slice(text.indexOf('('), text.indexOf(')'));
  return /,|\.\.\./.test(parameters) || /\barguments\b|\[native code\]/.test(text);
}

/**
 * Returns a wrapper that runs once per call. If a derived class calls its base class's hook by `super`, that calls the
 * original hook.
 */
function wrapOutermost(
  original: Hook,
  prototype: object | undefined,
  run: (client: EnvelopeSocket, call: (reason?: unknown) => unknown) => void,
): Hook {
  return function (this: object, client, ...args): unknown {
    const isInherited = prototype !== undefined && Object.getPrototypeOf(this) !== prototype;
    if (isInherited || !(client instanceof EnvelopeSocket)) return original.call(this, client, ...args);
    return run(client, (reason) => original.call(this, client, ...(reason === undefined ? args : [reason])));
  };
}

function runConnection(gateway: Gateway, method: object, client: EnvelopeSocket, call: () => unknown): void {
  const fail = (error: unknown): Promise<void> => failConnection(gateway.type, method, client, error);
  let settled: Promise<void> | undefined;
  try {
    const result = call();
    if (isThenable(result)) settled = Promise.resolve(result).then(() => undefined, fail);
  } catch (error) {
    settled = fail(error);
  }
  hookStarted(client, settled, gateway.isRequestScoped);
}

function runDisconnect(client: EnvelopeSocket, call: (reason: unknown) => unknown): void {
  const report = (error: unknown): void => client._report(error, 'handleDisconnect threw');
  try {
    const result = call(client._lifecycle.reason);
    if (isThenable(result)) client.nsp._waitFor(Promise.resolve(result).then(() => undefined, report));
  } catch (error) {
    report(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}
