import { markOnce } from '../nest/handlers/once-handlers.js';
import { assertOptions, refuse, refuseOption } from '../protocol/refuse.js';
import { KeyedRequests, type OnceSettings } from './keyed-requests.js';

/** The options of {@link Once}. */
export interface OnceOptions {
  /** Milliseconds for which an answer is kept. Default: 600,000, ten minutes. */
  ttl?: number;
  /**
   * What happens while the store does not respond: `'run'` calls the handler, which may then run twice for one message, and logs a
   * warning; `'refuse'` answers with the exception `unavailable`, and the client sends the message again. Default: `'run'`.
   */
  onStoreFailure?: 'run' | 'refuse';
}

const DEFAULTS: OnceSettings = { ttl: 600_000, onStoreFailure: 'run' };
const FAILURES: ReadonlySet<unknown> = new Set(['run', 'refuse']);

/**
 * Does a request with a key (`meta.key`) once: the same request again gets the answer of the first one, also on another
 * connection, and on another node if the option `onceStore` of the adapter is `redisOnce(client)`. `reliable` of
 * `nestjs-envelope/client/reliable` sends such requests. Those without a key run as usual.
 *
 * - The same request means the same key, path, event and user. All clients without a user count as one user, since a key has 128
 *   random bits; a client whose user has no known name is one for itself.
 * - While the handler runs, the same request waits for its answer. The handler goes on when its client disconnects, and its
 *   `@Signal()` does not abort.
 * - An exception is an answer, too, except for "Internal server error" and the statuses 408, 425, 429 and from 500 on: then the same
 *   request runs the handler again.
 * - The same key with other data is refused with `key_reused`.
 * - Of an answer above 64 kB only the fact is kept: the same request gets the exception `already_answered`.
 *
 * If several gateways of a path handle the event, one `@Once()` counts for all their handlers. Guards, pipes and interceptors run
 * with the handler, once.
 *
 * @example
 * ```ts
 * @Once({ onStoreFailure: 'refuse' })
 * @SubscribeMessage('pay')
 * pay(@MessageBody() payment: PaymentDto, @MessageKey() key: string | undefined) {
 *   return this.payments.insert({ ...payment, key });
 * }
 * ```
 *
 * @throws TypeError if it decorates something else than a method, or an option is unknown or malformed. When the server is mounted:
 * Error if the handler is a generator or has `@Ack()`
 */
export function Once(options: OnceOptions = {}): MethodDecorator {
  assertOptions('@Once', options, ['ttl', 'onStoreFailure'], '{ ttl: 600_000 }');
  const { ttl = DEFAULTS.ttl, onStoreFailure = DEFAULTS.onStoreFailure } = options;
  if (!Number.isInteger(ttl) || ttl < 1)
    refuseOption('@Once', 'ttl', ttl, 'milliseconds, a whole number from 1 on, such as 600_000');
  if (!FAILURES.has(onStoreFailure))
    refuseOption('@Once', 'onStoreFailure', onStoreFailure, "'run' or 'refuse'");
  const settings: OnceSettings = { ttl, onStoreFailure };
  return (target, _key, descriptor?: PropertyDescriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof method !== 'function')
      refuse('@Once', 'its target', target, 'a method: put @Once() on the handler');
    markOnce(method, { settings, create: (all, services) => new KeyedRequests(all, services) });
  };
}
