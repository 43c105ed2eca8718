import { isRecordLike, refuse, refuseOption, refuseUnknown } from '../protocol/refuse.js';
import { isUserRoom } from '../server/handshake/user-name.js';
import type { StoredLimits } from './store.js';

/** The limits of the rooms of one pattern. */
export interface RoomLimits {
  /** The maximum number of messages of each room, at most 10,000. Default 100. */
  size?: number;
  /** How long a message is stored, in milliseconds. Default 86,400,000: a day. */
  ttl?: number;
}

const MAX_SIZE = 10_000;
const DEFAULTS: StoredLimits = { size: 100, ttl: 86_400_000 };
const EXAMPLE = "an object of patterns, such as { 'chat:*': { size: 200, ttl: 86_400_000 } }";
/** Rooms whose pattern is remembered. */
const MAX_REMEMBERED = 10_000;

interface Pattern {
  readonly matches: (room: string) => boolean;
  readonly limits: StoredLimits;
}

/** Finds the limits of a room by the patterns of its name. */
export class RoomPatterns {
  private readonly patterns: readonly Pattern[];
  private readonly remembered = new Map<string, StoredLimits | undefined>();

  /** @throws TypeError on an invalid pattern or limit */
  constructor(rooms: unknown) {
    if (!isRecordLike(rooms) || Object.keys(rooms).length === 0)
      refuse('roomHistory', 'rooms', rooms, EXAMPLE);
    this.patterns = Object.entries(rooms).map(([pattern, limits]) => toPattern(pattern, limits));
  }

  /** Returns the limits of a room; `undefined` if it has no history. The first pattern that matches counts. */
  find(room: string): StoredLimits | undefined {
    if (this.remembered.has(room)) return this.remembered.get(room);
    const limits = isUserRoom(room) ? undefined : this.patterns.find(({ matches }) => matches(room))?.limits;
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(room, limits);
    return limits;
  }
}

function toPattern(pattern: string, limits: unknown): Pattern {
  if (!isRecordLike(limits))
    refuse('roomHistory', `rooms['${pattern}']`, limits, 'limits, such as { size: 200 }');
  const resolved = { ...DEFAULTS };
  for (const [name, value] of Object.entries(limits) as [string, unknown][]) {
    if (!Object.hasOwn(DEFAULTS, name))
      refuseUnknown('roomHistory', name, Object.keys(DEFAULTS), 'limit of rooms');
    if (value === undefined) continue;
    const max = name === 'size' ? MAX_SIZE : Number.MAX_SAFE_INTEGER;
    if (!(typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= max))
      refuseOption(
        'roomHistory',
        `rooms['${pattern}'].${name}`,
        value,
        name === 'size' ? `a whole number from 1 to ${MAX_SIZE}` : 'a positive whole number of milliseconds',
      );
    Object.assign(resolved, { [name]: value });
  }
  const parts = pattern.split('*');
  const [prefix = '', ...others] = parts;
  if (others.length === 0) return { matches: (room) => room === pattern, limits: resolved };
  if (others.length > 1 || others[0] !== '' || prefix === '')
    refuse('roomHistory', 'rooms', pattern, "the name of a room, or its beginning and an asterisk: 'chat:*'");
  return { matches: (room) => room.startsWith(prefix), limits: resolved };
}
