import { BROKER_TIMEOUT, fromBroker } from '../server/util/from-broker.js';

/** Calls a store. Rejects if it does not respond in time. */
export async function inTime<Value>(work: Promise<Value>): Promise<Value> {
  const late = Symbol('late');
  const value = await fromBroker(work, late);
  // the work may still reject
  work.catch(() => undefined);
  if (value === late) throw new Error(`no response within ${BROKER_TIMEOUT} ms`);
  return value as Value;
}
