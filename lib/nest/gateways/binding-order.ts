import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';
import { configOf } from './find-adapter.js';

/** The private field in which Nest 12 records that the gateways' adapter is initialised. */
interface SocketModule {
  isAdapterInitialized?: boolean;
}

/**
 * Makes Nest bind gateways in the order in which they are registered. In Nest 12 only the first gateway waits for the
 * adapter, so it is bound last; Nest 11 binds them in order. The order decides in which order hooks and middlewares run,
 * which of two handlers of one event answers, and which of two overlapping RegExp namespaces takes a path.
 *
 * Nest 12 creates its socket module when the application is initialised. A setter waits for this, and then does the
 * initialisation of the adapter that the first gateway would wait for.
 *
 * @returns a function that undoes it; on Nest 11 it does nothing
 */
export function bindInOrder(app: INestApplicationContext, adapter: WebSocketAdapter): () => void {
  const own = Reflect.getOwnPropertyDescriptor(app, 'socketModule');
  // Nest 11 has created its socket module by now
  if (own === undefined || own.value !== null) return () => undefined;
  let created: SocketModule | null = null;
  const isWatching = Reflect.defineProperty(app, 'socketModule', {
    configurable: true,
    enumerable: own.enumerable ?? true,
    get: () => created,
    set(module: SocketModule | null) {
      created = module;
      if (created !== null && configOf(app)?.getIoAdapter() === adapter) initialise(app, created, adapter);
    },
  });
  return () => {
    if (isWatching) Reflect.defineProperty(app, 'socketModule', { ...own, value: created });
  };
}

function initialise(app: INestApplicationContext, module: SocketModule, adapter: object): void {
  const options = Reflect.get(app, 'appOptions') as { forceCloseConnections?: boolean } | undefined;
  Reflect.set(adapter, 'forceCloseConnections', options?.forceCloseConnections);
  module.isAdapterInitialized = true;
}
