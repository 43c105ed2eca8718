import type { INestApplicationContext } from '@nestjs/common';
import { NestApplication } from '@nestjs/core';
import { patchMethod } from '../../server/util/patch-method.js';
import { safeCors, type Cors } from '../../server/upgrade/origin.js';

type EnableCors = (options?: Cors) => unknown;

/** The last rule that an application was given, by its HTTP adapter: the application itself is behind a Proxy. */
const given = new WeakMap<object, Cors | undefined>();

// Nest keeps no record of the rule, and a main.ts may well call enableCors before it makes the adapter. This package is
// imported by then.
patchMethod(NestApplication.prototype, 'enableCors', (underneath) => {
  return function (this: NestApplication, options) {
    underneath.call(this, options);
    given.set(this.getHttpAdapter(), options as Cors | undefined);
  };
});

/** @returns the rule of calls before, in a list; an empty one: there was no call */
function givenBefore(app: INestApplicationContext): readonly (Cors | undefined)[] {
  const http = Reflect.get(app, 'httpAdapter') as object | undefined;
  return http !== undefined && given.has(http) ? [given.get(http)] : [];
}

/**
 * Knows the rule that the application sets for its HTTP routes: the option `cors` of `NestFactory.create`, and
 * `app.enableCors(…)`, before the adapter was made or after.
 */
export function watchCors(app: INestApplicationContext): {
  current: () => Cors | undefined;
  undo: () => void;
} {
  const [before = (Reflect.get(app, 'appOptions') as { cors?: Cors } | undefined)?.cors] = givenBefore(app);
  let cors = before;
  const own = Reflect.getOwnPropertyDescriptor(app, 'enableCors');
  // NestFactory's Proxy gives functions that look the method up when they are called, and so would find ours
  const enableCors: unknown = own?.value ?? Reflect.get(Reflect.getPrototypeOf(app) ?? {}, 'enableCors');
  if (typeof enableCors !== 'function') return { current: () => safeCors(cors), undo: () => undefined };
  const listening: EnableCors = (options) => {
    const result: unknown = Reflect.apply(enableCors, app, [options]);
    cors = options;
    return result;
  };
  Reflect.defineProperty(app, 'enableCors', { value: listening, configurable: true, writable: true });
  return {
    current: () => safeCors(cors),
    undo: () => {
      if (Reflect.getOwnPropertyDescriptor(app, 'enableCors')?.value !== listening) return;
      if (own === undefined) Reflect.deleteProperty(app, 'enableCors');
      else Reflect.defineProperty(app, 'enableCors', own);
    },
  };
}
