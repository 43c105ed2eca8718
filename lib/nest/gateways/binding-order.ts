import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import { configOf } from './find-adapter.js';

/** What Nest 12 knows of the gateways' adapter, in private fields. */
interface SocketModule {
  isAdapterInitialized?: boolean;
}

/**
 * Makes Nest bind gateways in the order in which they are registered. Nest 12 has the first one wait for the adapter and the others
 * not, so that the first is bound last; Nest 11 binds them in order. On the order depend hooks, middlewares, which of two handlers
 * of one event answers, and which of two overlapping RegExp namespaces takes a path.
 *
 * Nest 12 makes its socket module when the application is initialised. This watches for it, and does what Nest would have waited for.
 *
 * @returns what undoes it
 */
export function bindInOrder(app: INestApplicationContext, adapter: WebSocketAdapter): () => void {
  const own = Reflect.getOwnPropertyDescriptor(app, 'socketModule');
  // Nest 11 has it already
  if (own === undefined || own.value !== null) return () => undefined;
  let made: SocketModule | null = null;
  const isWatching = Reflect.defineProperty(app, 'socketModule', {
    configurable: true,
    enumerable: own.enumerable ?? true,
    get: () => made,
    set(module: SocketModule | null) {
      made = module;
      if (made !== null && configOf(app)?.getIoAdapter() === adapter) initialise(app, made, adapter);
    },
  });
  return () => {
    if (isWatching) Reflect.defineProperty(app, 'socketModule', { ...own, value: made });
  };
}

function initialise(app: INestApplicationContext, module: SocketModule, adapter: object): void {
  const options = Reflect.get(app, 'appOptions') as { forceCloseConnections?: boolean } | undefined;
  Reflect.set(adapter, 'forceCloseConnections', options?.forceCloseConnections);
  module.isAdapterInitialized = true;
}
