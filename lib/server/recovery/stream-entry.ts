import type { Adapter, Room } from 'socket.io-adapter';
import { checkBroadcast } from '../rooms/target.js';
import type { Fields } from './restore-once.js';

/**
 * Returns whether an adapter can read an entry when it restores a session. It reads only broadcasts to its own server.
 */
export function isReadableFor(adapter: Adapter, fields: Fields): boolean {
  return !isBroadcastTo(adapter, fields) || decodeBroadcast(adapter, fields) !== undefined;
}

function isBroadcastTo({ nsp, constructor }: Adapter, fields: Fields): boolean {
  return fields['nsp'] === nsp.name && fields['type'] === BROADCAST && 'decode' in constructor;
}

/**
 * Decodes an entry that is a broadcast to an adapter's own server. Returns `undefined` for other or damaged entries.
 */
export function decodeBroadcast(adapter: Adapter, fields: Fields): Broadcast | undefined {
  if (!isBroadcastTo(adapter, fields)) return undefined;
  const { decode } = adapter.constructor as unknown as { decode(fields: Fields): { data?: unknown } };
  try {
    const { data } = decode(fields);
    checkBroadcast(data);
    return data as Broadcast;
  } catch {
    return undefined;
  }
}

interface Broadcast {
  readonly packet: { readonly data: readonly unknown[] };
  readonly opts: { readonly rooms: readonly Room[]; readonly except: readonly Room[] };
}

const BROADCAST = '3';
