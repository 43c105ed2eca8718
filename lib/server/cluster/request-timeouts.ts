import { AsyncLocalStorage } from 'node:async_hooks';
import { override, type Internals } from './adapter-internals.js';
import { TimeoutError } from '../../protocol/timeout-error.js';

/** Milliseconds that adapters wait for other nodes where nobody says otherwise. */
const DEFAULT_TIMEOUT = 5_000;
/** For the adapter's own timer to come first, which knows who did not answer. */
const GRACE = 250;

interface Target {
  readonly flags?: { readonly local?: boolean; readonly timeout?: number };
}

/** What an adapter writes down of a request: by either name the sockets that are known of, this node's included. */
interface Request {
  readonly sockets?: unknown;
  readonly responses?: unknown;
  readonly timeout?: NodeJS.Timeout;
}

/** Where adapters write requests down. */
const TABLES = ['requests', 'customRequests'];

/** The call that a request was written down for. */
const calls = new AsyncLocalStorage<{ request?: Request }>();

/**
 * Ends `fetchSockets` in time: adapters first ask the broker how many nodes there are, and would wait for one that
 * has stalled as long as it does. The error has those sockets as `responses` that are known of.
 */
export function limitRequestTime(adapter: Internals, base: Internals): void {
  for (const table of TABLES) {
    override(Reflect.get(adapter, table) ?? {}, 'set', (set) => (id, request) => {
      const call = calls.getStore();
      if (call !== undefined) call.request = request as Request;
      // who waits has a timer of ours: a node that has closed must not stay for its last question
      (request as Request).timeout?.unref();
      return set(id, request);
    });
  }
  override(adapter, 'fetchSockets', (fetch) => async (options) => {
    const { local, timeout } = (options as Target).flags ?? {};
    if (local === true) return base.fetchSockets.call(adapter, options);
    const patience = timeout ?? adapter.requestsTimeout ?? DEFAULT_TIMEOUT;
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TimeoutError()), patience + GRACE);
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
