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
 * Wraps `handleConnection` and `handleDisconnect` of a gateway. Nest ignores what they return and lets what they
 * throw end the process; the wrapper lets the connection wait for them, catches what they throw, and gives
 * `handleDisconnect` its reason on Nest 11, too. This is the one place where the package patches users' classes.
 *
 * A client of another adapter, as of a unit test, goes straight through.
 *
 * @returns what undoes it
 */
export function wrapHooks(gateway: Gateway): () => void {
  const prototype = gateway.type.prototype as object;
  const undos = [patches.acquire(prototype, () => wrapOn(prototype, gateway, prototype))];
  // a hook that is a property, an arrow function say, is on the instance
  const instance = gateway.wrapper.instance as object | null | undefined;
  const hasOwnHook =
    instance && (Object.hasOwn(instance, 'handleConnection') || Object.hasOwn(instance, 'handleDisconnect'));
  if (!gateway.isRequestScoped && hasOwnHook === true) {
    undos.push(patches.acquire(instance, () => wrapOn(instance, gateway, undefined)));
  }
  return () => undos.forEach((undo) => undo());
}

/** @param prototype of the class, where the hooks of its instances are wrapped, not an instance's own */
function wrapOn(target: object, gateway: Gateway, prototype: object | undefined): () => void {
  const undoConnection = replace(
    target,
    'handleConnection',
    gateway,
    (original) => {
      const seesRequest = takesMore(original);
      return outermost(original, prototype, (client, call) => {
        if (seesRequest) client._upgrade.keep();
        runConnection(gateway, original, client, call);
      });
    },
    (original) => (client, error) =>
      hookStarted(client, failConnection(gateway.type, original, client, error), true),
  );
  const undoDisconnect = replace(
    target,
    'handleDisconnect',
    gateway,
    (original) => outermost(original, prototype, (client, call) => runDisconnect(client, call)),
    (original) => (client, error) => {
      if (original !== NO_HOOK && !isClientFault(error))
        client._report(error, 'handleDisconnect could not run');
    },
  );
  return () => {
    undoConnection();
    undoDisconnect();
  };
}

/** @param onInstantiationError what to do where Nest 12 cannot make a request-scoped gateway to call the hook of */
function replace(
  target: object,
  name: HookName,
  gateway: Gateway,
  wrap: (original: Hook) => Hook,
  onInstantiationError: (original: Hook) => (client: EnvelopeSocket, error: unknown) => void,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  // Nest 12 rethrows, into nobody's hands, what fails while it makes a request-scoped gateway without the hook
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

/** Whether a hook may look at more than its client; what cannot be told from its text may. */
function takesMore(hook: Hook): boolean {
  const text = Function.prototype.toString.call(hook);
  const parameters = text.slice(text.indexOf('('), text.indexOf(')'));
  return /,|\.\.\./.test(parameters) || /\barguments\b|\[native code\]/.test(text);
}

/** The wrapper acts once per call: a base class's hook that a derived one calls by `super` goes straight through. */
function outermost(
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
