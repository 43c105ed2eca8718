import { withTimeout } from '../server/util/with-timeout.js';

/** Milliseconds that a store has to respond. */
const STORE_TIMEOUT = 1_500;

/** Calls a store. Rejects if it does not respond in time. */
export async function inTime<Value>(work: Promise<Value>): Promise<Value> {
  const late = Symbol('late');
  const value = await withTimeout(STORE_TIMEOUT, work, late, false);
  // the work may still reject
  work.catch(() => undefined);
  if (value === late) throw new Error(`no response within ${STORE_TIMEOUT} ms`);
  return value as Value;
}
