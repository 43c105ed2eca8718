import { refuse } from '../../protocol/refuse.js';
import { NEST } from '../gateways/nest-metadata.js';
import type { Gateway } from '../gateways/gateway-explorer.js';

const ORDERED = 'nestjs-envelope:ordered';

/**
 * Handles the messages of one client in order: while this handler works on a message, the next messages of the client wait,
 * of whatever event. They go on when its promise has settled, or when its Observable or async iterable has given the first
 * value, has ended or has failed. Other clients are not affected. The option `ordered` of a path does the same for all its
 * handlers.
 *
 * @example
 * ```ts
 * @Ordered()
 * @SubscribeMessage('edit')
 * async edit(@MessageBody() change: Change) {
 *   await this.documents.apply(change);
 * }
 * ```
 *
 * @throws TypeError if it decorates something else than a method
 */
export function Ordered(): MethodDecorator {
  return (target, key, descriptor?: PropertyDescriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof method !== 'function')
      refuse('@Ordered', 'its target', target, 'a method: put @Ordered() on the handler');
    Reflect.defineMetadata(ORDERED, true, method);
  };
}

/** Returns whether a handler has `@Ordered()`. */
export function isOrdered(handler: object): boolean {
  return Reflect.getMetadata(ORDERED, handler) === true;
}

/** Returns the events of the gateways whose handlers have `@Ordered()`. */
export function orderedEvents(gateways: readonly Gateway[]): ReadonlySet<string> {
  const handlers = gateways.flatMap((gateway) => gateway.handlers).filter(isOrdered);
  return new Set(handlers.map((handler) => String(Reflect.getMetadata(NEST.message, handler))));
}
