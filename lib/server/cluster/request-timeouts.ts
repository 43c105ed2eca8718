import { AsyncLocalStorage } from 'node:async_hooks';
import { override, type Internals } from './adapter-internals.js';
import { TimeoutError } from '../../protocol/timeout-error.js';

/** The default timeout of adapters for other nodes, in milliseconds. */
const DEFAULT_TIMEOUT = 5_000;
/**
 * Milliseconds that are added to the timeout, so that the adapter's own timer is first: its error contains how many
 * nodes responded.
 */
const GRACE = 250;

interface Target {
  readonly flags?: { readonly local?: boolean; readonly timeout?: number };
}

/**
 * A pending request in an adapter's table. Either field has the sockets that are known so far, those of this node
 * included.
 */
interface Request {
  readonly sockets?: unknown;
  readonly responses?: unknown;
  readonly timeout?: NodeJS.Timeout;
}

/** The fields in which adapters have their tables of pending requests. */
const TABLES = ['requests', 'customRequests'];

/** The call of `fetchSockets` that the running code belongs to. */
const calls = new AsyncLocalStorage<{ request?: Request }>();

/**
 * Adds a timeout to `fetchSockets`. Adapters first request the number of nodes from the broker, without a timeout, so a
 * stalled broker would block them. The error has the sockets that are known so far as `responses`.
 */
export function limitRequestTime(adapter: Internals, base: Internals): void {
  for (const table of TABLES) {
    override(Reflect.get(adapter, table) ?? {}, 'set', (set) => (id, request) => {
      const call = calls.getStore();
      if (call !== undefined) call.request = request as Request;
      // the timer below ends the request, and the adapter's own must not keep the process of a closed node alive
      (request as Request).timeout?.unref();
      return set(id, request);
    });
  }
  override(adapter, 'fetchSockets', (fetch) => async (options) => {
    const { local, timeout } = (options as Target).flags ?? {};
    if (local === true) return base.fetchSockets.call(adapter, options);
    const milliseconds = timeout ?? adapter.requestsTimeout ?? DEFAULT_TIMEOUT;
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TimeoutError()), milliseconds + GRACE);
      timer.unref();
    });
    const call: { request?: Request } = {};
    try {
      return await Promise.race([calls.run(call, fetch, options), expired]);
    } catch (error) {
      const known = call.request?.sockets ?? call.request?.responses;
      const responses = Array.isArray(known) ? [...known] : await base.fetchSockets.call(adapter, options);
      throw Object.assign(error instanceof Error ? error : new Error(String(error)), { responses });
    } finally {
      clearTimeout(timer);
    }
  });
}
