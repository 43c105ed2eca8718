import { override, type Internals } from './internals.js';

/** Milliseconds that adapters wait for other nodes where nobody says otherwise. */
const DEFAULT_TIMEOUT = 5_000;
/** For the adapter's own timer to come first, which knows who did not answer. */
const GRACE = 250;

interface Target {
  readonly flags?: { readonly local?: boolean; readonly timeout?: number };
}

/**
 * Ends `fetchSockets` in time: adapters first ask the broker how many nodes there are, and would wait for one that
 * has stalled as long as it does. The error has the sockets of this node as `responses`.
 */
export function boundRequests(adapter: Internals, base: Internals): void {
  override(adapter, 'fetchSockets', (fetch) => async (options) => {
    const { local, timeout } = (options as Target).flags ?? {};
    if (local === true) return base.fetchSockets.call(adapter, options);
    const patience = timeout ?? adapter.requestsTimeout ?? DEFAULT_TIMEOUT;
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('operation has timed out')), patience + GRACE);
      timer.unref();
    });
    try {
      return await Promise.race([fetch(options), expired]);
    } catch (error) {
      const responses = await base.fetchSockets.call(adapter, options);
      throw Object.assign(error instanceof Error ? error : new Error(String(error)), { responses });
    } finally {
      clearTimeout(timer);
    }
  });
}
