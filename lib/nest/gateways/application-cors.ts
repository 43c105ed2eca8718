import type { INestApplicationContext } from '@nestjs/common';
import { NestApplication } from '@nestjs/core';
import { patchMethod } from '../../server/util/patch-method.js';
import { safeCors, type Cors } from '../../server/upgrade/origin.js';

type EnableCors = (options?: Cors) => unknown;

/** The last rule of each application, by its HTTP adapter. The application itself is no key, because it is behind a Proxy. */
const lastRules = new WeakMap<object, Cors | undefined>();

// Nest does not record the rule, and main.ts may call enableCors before it creates the adapter. It has imported this
// package before that call.
patchMethod(NestApplication.prototype, 'enableCors', (underneath) => {
  return function (this: NestApplication, options) {
    underneath.call(this, options);
    lastRules.set(this.getHttpAdapter(), options as Cors | undefined);
  };
});

/** Returns the rule of the last call of `enableCors`, in a list that is empty without a call. */
function recordedRule(app: INestApplicationContext): readonly (Cors | undefined)[] {
  const http = Reflect.get(app, 'httpAdapter') as object | undefined;
  return http !== undefined && lastRules.has(http) ? [lastRules.get(http)] : [];
}

/**
 * Watches the CORS rule of the application's HTTP routes: the option `cors` of `NestFactory.create`, and calls of
 * `app.enableCors(…)` before and after this call.
 *
 * @returns `current`, which returns the rule as far as it is safe for WebSockets, and `undo`, which restores `enableCors`
 */
export function watchCors(app: INestApplicationContext): {
  current: () => Cors | undefined;
  undo: () => void;
} {
  const [initial = (Reflect.get(app, 'appOptions') as { cors?: Cors } | undefined)?.cors] = recordedRule(app);
  let cors = initial;
  const own = Reflect.getOwnPropertyDescriptor(app, 'enableCors');
  // not app.enableCors: NestFactory's Proxy returns functions that look the method up at each call, and would find ours
  const enableCors: unknown = own?.value ?? Reflect.get(Reflect.getPrototypeOf(app) ?? {}, 'enableCors');
  if (typeof enableCors !== 'function') return { current: () => safeCors(cors), undo: () => undefined };
  const watched: EnableCors = (options) => {
    const result: unknown = Reflect.apply(enableCors, app, [options]);
    cors = options;
    return result;
  };
  Reflect.defineProperty(app, 'enableCors', { value: watched, configurable: true, writable: true });
  return {
    current: () => safeCors(cors),
    undo: () => {
      if (Reflect.getOwnPropertyDescriptor(app, 'enableCors')?.value !== watched) return;
      if (own === undefined) Reflect.deleteProperty(app, 'enableCors');
      else Reflect.defineProperty(app, 'enableCors', own);
    },
  };
}
