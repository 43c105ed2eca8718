import type { ResumeTerms } from './types.js';

/** What tells one address from another. */
export type Asker = Pick<ResumeTerms, 'address' | 'isShared'>;

/** The name of an address in accounts: an unknown proxy and a client of the same address have two. */
export function nameOf({ address = '', isShared }: Asker): string {
  return isShared ? `${address} shared` : address;
}
