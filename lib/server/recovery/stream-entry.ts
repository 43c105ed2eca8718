import type { Adapter, Room } from 'socket.io-adapter';
import { checkBroadcast } from '../rooms/target.js';
import type { Fields } from './restore-once.js';

/** Broadcasts to its own server are all that an adapter reads when it restores a session. */
export function isSoundFor(adapter: Adapter, fields: Fields): boolean {
  return !isBroadcastTo(adapter, fields) || broadcastOf(adapter, fields) !== undefined;
}

function isBroadcastTo({ nsp, constructor }: Adapter, fields: Fields): boolean {
  return fields['nsp'] === nsp.name && fields['type'] === BROADCAST && 'decode' in constructor;
}

/** A broadcast to an adapter's own server; `undefined`: it is something else, or damaged. */
export function broadcastOf(adapter: Adapter, fields: Fields): Broadcast | undefined {
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
