import { refuse } from '../../protocol/refuse.js';
import { pageOf, type Entry } from '../recovery/restore-once.js';

/** Milliseconds that a reader is kept from asking again at once. */
const READ_AGAIN = 100;

/**
 * A broker's client whose rejections never end the process. Adapters drop promises of theirs: when the broker goes
 * away in the middle of such a command, Node takes it for an unhandled rejection. Those of `@socket.io/redis-adapter`
 * are looked after anyway; `@socket.io/redis-streams-adapter` keeps its client to itself, and needs this:
 *
 *     createAdapter(tolerant(redis))
 *
 * Whoever awaits a command gets its rejection as before; that of a read that waits for messages somewhat later: the
 * adapter reads again at once, and nothing else would happen in the process for as long as a client refuses what it
 * cannot send (`disableOfflineQueue`).
 *
 * @param client of `redis` or `ioredis`; what it duplicates is tolerant, too
 * @param failed hears of each rejection
 */
export function tolerant<Client extends object>(
  client: Client,
  failed: (error: unknown) => void = () => undefined,
): Client {
  if (typeof client !== 'object' || client === null)
    refuse('tolerant', 'client', client, 'a client of redis or ioredis');
  if (typeof failed !== 'function') refuse('tolerant', 'failed', failed, 'a function');
  return watched(client, (result) => void result.catch(failed));
}

/**
 * The same, with all that the client does.
 *
 * @param watch takes the result of each command, and its rejection
 */
export function watched<Client extends object>(
  client: Client,
  watch: (result: Promise<unknown>, command: string) => void,
): Client {
  const proxy: Client = new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function' || property === 'constructor') return value;
      return (...args: unknown[]): unknown => {
        const page = pageOf(property, args);
        if (page?.isEmpty === true) return Promise.resolve([]);
        const result: unknown = Reflect.apply(value, target, page?.args ?? args);
        if (result === target) return proxy;
        if (property === 'duplicate') return watched(result as object, watch);
        if (!(result instanceof Promise)) return result;
        watch(result, String(property));
        if (isBlockingRead(property, args)) return result.catch(rejectLater);
        return page === undefined ? result : page.receive(result as Promise<Entry[]>);
      };
    },
  });
  return proxy;
}

/** XREAD with BLOCK. */
function isBlockingRead(command: string | symbol, args: readonly unknown[]): boolean {
  if (command === 'xread') return args.includes('BLOCK');
  return command === 'xRead' && Object.hasOwn(Object(args[1]), 'BLOCK');
}

function rejectLater(error: unknown): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(error as Error), READ_AGAIN).unref();
  });
}
