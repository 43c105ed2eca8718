import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import { configOf } from './find-adapter.js';

/**
 * Calls back with Nest's socket module, which binds gateways, before it binds them to this adapter.
 *
 * Nest 11 has made it when the adapter is constructed, and then the application may still get another adapter. Nest 12 makes
 * it when the application is initialised, and a setter waits for this.
 *
 * @param found takes the module of Nest 11
 * @param created takes that of Nest 12
 * @returns a function that ends the wait
 */
export function watchSocketModule<Module extends object>(
  app: INestApplicationContext,
  adapter: WebSocketAdapter,
  found: (module: Module) => void,
  created: (module: Module) => void,
): () => void {
  const own = Reflect.getOwnPropertyDescriptor(app, 'socketModule');
  if (own === undefined) return () => undefined;
  if (own.value !== null) {
    if (typeof own.value === 'object') found(own.value as Module);
    return () => undefined;
  }
  let current: Module | null = null;
  const isWatching = Reflect.defineProperty(app, 'socketModule', {
    configurable: true,
    enumerable: own.enumerable ?? true,
    get: () => current,
    set(module: Module | null) {
      current = module;
      if (current !== null && configOf(app)?.getIoAdapter() === adapter) created(current);
    },
  });
  return () => {
    if (isWatching) Reflect.defineProperty(app, 'socketModule', { ...own, value: current });
  };
}
