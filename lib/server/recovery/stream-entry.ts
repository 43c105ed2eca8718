import type { Adapter, Room } from 'socket.io-adapter';
import { checkBroadcast, isRecoverable } from '../rooms/target.js';
import type { Fields } from './restore-once.js';

/**
 * Returns whether an adapter may read an entry when it restores a session. It reads only broadcasts to its own server,
 * would fail on a damaged one, and would replay a volatile one.
 */
export function isReadableFor(adapter: Adapter, fields: Fields): boolean {
  return !isBroadcastTo(adapter, fields) || decodeBroadcast(adapter, fields) !== undefined;
}

function isBroadcastTo({ nsp, constructor }: Adapter, fields: Fields): boolean {
  return fields['nsp'] === nsp.name && fields['type'] === BROADCAST && 'decode' in constructor;
}

/**
 * Decodes an entry that is a broadcast to an adapter's own server. Returns `undefined` for other or damaged entries,
 * and for broadcasts that disconnected clients do not get, such as volatile ones.
 */
export function decodeBroadcast(adapter: Adapter, fields: Fields): Broadcast | undefined {
  if (!isBroadcastTo(adapter, fields)) return undefined;
  const { decode } = adapter.constructor as unknown as { decode(fields: Fields): { data?: unknown } };
  try {
    const { data } = decode(fields);
    checkBroadcast(data);
    const { packet, opts } = data as Broadcast;
    return isRecoverable(packet, opts.flags) ? (data as Broadcast) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the metadata of an entry that is a broadcast to an adapter's own server, if it has a position in a history. */
export function metaOf(adapter: Adapter, fields: Fields): object | undefined {
  const meta = decodeBroadcast(adapter, fields)?.packet.meta;
  return typeof Reflect.get(Object(meta) as object, 'position') === 'string' ? meta : undefined;
}

interface Broadcast {
  readonly packet: { readonly data: readonly unknown[]; readonly meta?: object };
  readonly opts: {
    readonly rooms: readonly Room[];
    readonly except: readonly Room[];
    readonly flags?: { readonly volatile?: boolean };
  };
}

const BROADCAST = '3';
