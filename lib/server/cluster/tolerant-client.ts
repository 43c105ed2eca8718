import { refuse } from '../../protocol/refuse.js';
import { pageOf, type Entry } from '../recovery/restore-once.js';
import { StreamSubscriptions } from './stream-subscriptions.js';

/** How long the rejection of a blocking read is delayed, in milliseconds. */
const READ_RETRY_DELAY = 100;

/**
 * Returns a client of a broker whose rejections never end the process. Adapters do not await all of their commands: if
 * the connection to the broker is lost during such a command, Node would end the process because of an unhandled
 * rejection. The clients of `@socket.io/redis-adapter` are handled automatically. `@socket.io/redis-streams-adapter`
 * does not expose its client, and needs this. It also makes that adapter release the namespaces that are removed:
 *
 *     createAdapter(tolerant(redis))
 *
 * A caller that awaits a command still receives its rejection. The rejection of a blocking read is delayed by 100 ms,
 * because the adapter retries without a pause: with a client that rejects commands while it is disconnected
 * (`disableOfflineQueue`), that loop would block the process.
 *
 * @param client a client of `redis` or `ioredis`; its duplicates are tolerant as well
 * @param failed called with each rejection; does nothing by default
 * @throws TypeError unless `client` is an object and `failed` is a function
 * @example
 * const adapter = createAdapter(tolerant(redis)); // of @socket.io/redis-streams-adapter
 */
export function tolerant<Client extends object>(
  client: Client,
  failed: (error: unknown) => void = () => undefined,
): Client {
  if (typeof client !== 'object' || client === null)
    refuse('tolerant', 'client', client, 'a client of redis or ioredis');
  if (typeof failed !== 'function') refuse('tolerant', 'failed', failed, 'a function');
  return onCommand(client, (result) => void result.catch(failed));
}

/**
 * Returns a client whose commands are observed.
 *
 * @param observe called with the result of each command; handles its rejection
 * @param subscriptions records what the adapter subscribes with this client
 */
export function onCommand<Client extends object>(
  client: Client,
  observe: (result: Promise<unknown>, command: string) => void,
  subscriptions?: StreamSubscriptions,
): Client {
  const proxy: Client = new Proxy(client, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function' || property === 'constructor') return value;
      return (...args: unknown[]): unknown => {
        const page = pageOf(property, args);
        if (page?.isEmpty === true) return Promise.resolve([]);
        subscriptions?.record(String(property), args);
        const result: unknown = Reflect.apply(value, target, page?.args ?? args);
        if (result === target) return proxy;
        if (property === 'duplicate')
          return onCommand(result as object, observe, new StreamSubscriptions(result as object));
        if (!(result instanceof Promise)) return result;
        observe(result, String(property));
        if (isBlockingRead(property, args)) return result.catch(rejectLater);
        return page === undefined ? result : page.receive(result as Promise<Entry[]>);
      };
    },
  });
  return proxy;
}

/** Returns whether a command is XREAD with BLOCK. */
function isBlockingRead(command: string | symbol, args: readonly unknown[]): boolean {
  if (command === 'xread') return args.includes('BLOCK');
  return command === 'xRead' && Object.hasOwn(Object(args[1]), 'BLOCK');
}

function rejectLater(error: unknown): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(error as Error), READ_RETRY_DELAY).unref();
  });
}
