import type { INestApplicationContext } from '@nestjs/common';
import { safeCors, type Cors } from '../upgrade/origin.js';

type EnableCors = (options?: Cors) => unknown;

/**
 * Listens for the rule that the application sets for its HTTP routes: the option `cors` of `NestFactory.create`, and
 * `app.enableCors(…)` from now on. Nest tells nobody of earlier calls.
 */
export function watchCors(app: INestApplicationContext): {
  current: () => Cors | undefined;
  undo: () => void;
} {
  let cors = (Reflect.get(app, 'appOptions') as { cors?: Cors } | undefined)?.cors;
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
