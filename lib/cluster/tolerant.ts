import { isReadAgain } from '../recovery/single-pass.js';

/**
 * A broker's client whose rejections never end the process. Adapters drop promises of theirs: when the broker goes
 * away in the middle of such a command, Node takes it for an unhandled rejection. Those of `@socket.io/redis-adapter`
 * are looked after anyway; `@socket.io/redis-streams-adapter` keeps its client to itself, and needs this:
 *
 *     createAdapter(tolerant(redis))
 *
 * Whoever awaits a command gets its rejection as before.
 *
 * @param client of `redis` or `ioredis`; what it duplicates is tolerant, too
 * @param failed hears of each rejection
 */
export function tolerant<Client extends object>(
  client: Client,
  failed: (error: unknown) => void = () => undefined,
): Client {
  const proxy: Client = new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function' || property === 'constructor') return value;
      return (...args: unknown[]): unknown => {
        if (isReadAgain(property, args)) return Promise.resolve([]);
        const result: unknown = Reflect.apply(value, target, args);
        if (result === target) return proxy;
        if (property === 'duplicate') return tolerant(result as object, failed);
        if (result instanceof Promise) result.catch(failed);
        return result;
      };
    },
  });
  return proxy;
}
