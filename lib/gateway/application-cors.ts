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
  const enableCors: unknown = Reflect.get(app, 'enableCors');
  if (typeof enableCors !== 'function') return { current: () => safeCors(cors), undo: () => undefined };
  const listening: EnableCors = (options) => {
    cors = options;
    return (enableCors as EnableCors).call(app, options);
  };
  Object.defineProperty(app, 'enableCors', { value: listening, configurable: true, writable: true });
  return {
    current: () => safeCors(cors),
    undo: () => Reflect.deleteProperty(app, 'enableCors'),
  };
}
