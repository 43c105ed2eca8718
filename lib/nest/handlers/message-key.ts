import { createParamDecorator } from '@nestjs/common';
import { requestContext } from '../../server/socket/incoming-request.js';

/** The characters of a key: base64url, as of 16 random bytes. */
const KEY = /^[\w-]{16,64}$/;

const readKey = (): string | undefined => {
  const request = requestContext.getStore();
  const key: unknown = request !== undefined && 'key' in request ? request.key : undefined;
  return isMessageKey(key) ? key : undefined;
};
const decorate = createParamDecorator(readKey);

/** Whether a value is a valid `meta.key`. */
export function isMessageKey(key: unknown): key is string {
  return typeof key === 'string' && KEY.test(key);
}

/**
 * Injects the key of a request, `meta.key`, into a handler; `undefined` if the request has none. With a unique index of the database
 * on it (and on the user), work is done once for good, also after the `ttl` of `@Once()` and when a node ends in the midst of it.
 *
 * @example
 * ```ts
 * @Once()
 * @SubscribeMessage('order')
 * order(@MessageBody() order: OrderDto, @MessageKey() key: string | undefined) {
 *   return this.orders.insert({ ...order, key });
 * }
 * ```
 */
export function MessageKey(): ParameterDecorator {
  return decorate();
}

/** Whether the function of a custom parameter decorator is that of {@link MessageKey}. */
export function isMessageKeyDecorator(factory: unknown): boolean {
  return factory === readKey;
}
