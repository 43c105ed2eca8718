import type { Adapter, Session } from 'socket.io-adapter';
import { fromBroker } from '../util/from-broker.js';
import { restoreOnce, type RestoreProgress } from './restore-once.js';
import { isReadableFor, metaOf } from './stream-entry.js';
import type { OffsetGap } from './offset-gap.js';
import type { StoredSession } from './types.js';

/** A session as adapters store it, with fields of this package that they store unchanged. */
export type AdapterSession = Session &
  Pick<StoredSession, 'sent' | 'from' | 'changes'> & {
    /** {@link StoredSession.gap}, by a name that nodes of all versions know. */
    readonly unplaced?: OffsetGap | null | undefined;
    readonly identity?: string | null | undefined;
    /** The path, since brokers do not separate the sessions of different servers. */
    readonly server: string;
    /** The other token of the session, which becomes invalid together with this one. */
    readonly also?: string | undefined;
  };

/** Restores a session from an adapter. Resolves with `undefined` if the adapter has none, fails or takes too long. */
export async function restoreFrom(
  adapter: Adapter,
  token: string,
  offset: string,
  progress: RestoreProgress,
): Promise<AdapterSession | undefined> {
  const restore = async (): Promise<unknown> => adapter.restoreSession(token, offset);
  const restored = restoreOnce.run(progress, restore).catch(() => null);
  return ((await fromBroker(restored, null)) ?? undefined) as AdapterSession | undefined;
}

/**
 * Stores a modified copy of a session in an adapter, and restores it: an adapter finds missed messages only for a
 * session that it has stored. The copy has no server, so that no client can resume it.
 *
 * @param suffix distinguishes the copies of one session
 */
export function restoreCopy(
  adapter: Adapter,
  session: AdapterSession,
  suffix: string,
  offset: string,
  progress: RestoreProgress = startRestore(adapter),
): Promise<AdapterSession | undefined> {
  const key = `${session.pid}.${adapter.nsp.name}${suffix}`;
  adapter.persistSession({ ...session, pid: key, server: '', missedPackets: [] } as AdapterSession);
  return restoreFrom(adapter, key, offset, progress);
}

/**
 * Returns the progress of a new restore.
 *
 * @param isComplete `true` to restore a session without reading the log
 * @param metas takes the metadata of the messages by offset: adapters restore their arguments only
 */
export function startRestore(
  adapter: Adapter,
  isComplete = false,
  metas?: Map<string, object>,
): RestoreProgress {
  return {
    isComplete,
    pages: 0,
    entries: 0,
    isReadable(fields, offset) {
      const meta = metas && metaOf(adapter, fields);
      if (meta !== undefined) metas!.set(offset, meta);
      return isReadableFor(adapter, fields);
    },
  };
}
