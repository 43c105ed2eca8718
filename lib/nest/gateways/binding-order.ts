import type { INestApplicationContext, WebSocketAdapter } from '@nestjs/common';

/** The private field in which Nest 12 records that the gateways' adapter is initialised. */
interface SocketModule {
  isAdapterInitialized?: boolean;
}

/**
 * Makes Nest 12 bind gateways in the order in which they are registered, as Nest 11 does. There only the first gateway waits for
 * the adapter, so it is bound last. The order decides in which order hooks and middlewares run, which of two handlers of one
 * event answers, and which of two overlapping RegExp namespaces takes a path.
 *
 * This does the initialisation of the adapter that the first gateway would wait for.
 */
export function bindInOrder(
  app: INestApplicationContext,
  module: SocketModule,
  adapter: WebSocketAdapter,
): void {
  const options = Reflect.get(app, 'appOptions') as { forceCloseConnections?: boolean } | undefined;
  Reflect.set(adapter, 'forceCloseConnections', options?.forceCloseConnections);
  module.isAdapterInitialized = true;
}
