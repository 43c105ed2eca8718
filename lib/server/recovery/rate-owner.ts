import type { ResumeRequest } from './types.js';

/** The client that a budget is charged to, identified by its address. */
export type RateOwner = Pick<ResumeRequest, 'address' | 'isShared'>;

/** Returns the key of an address in budgets. An unknown proxy and a client of the same address have different keys. */
export function rateKeyOf({ address = '', isShared }: RateOwner): string {
  return isShared ? `${address} shared` : address;
}
