import type { MissingMessages } from './missing-messages.js';
import type { RecentMessages } from './recent-messages.js';
import type { HistoryKey, HistoryStore, StoredLimits } from './store.js';

/** One room with a history, for the functions that read it. */
export interface OpenRoom {
  readonly name: string;
  readonly key: HistoryKey;
  readonly limits: StoredLimits;
  readonly store: HistoryStore;
  readonly missing: MissingMessages;
  /** Of a store that the nodes share. */
  readonly recent: RecentMessages | undefined;
  /** Reports an error of the store. */
  report(error: unknown): void;
}
