import type { Random } from '../../support/random.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A room without clients: no client should receive the event `garbage`. */
const ROOM = 'nowhere';
const PACKET: Json = { type: 2, nsp: '/ws', data: ['garbage', { text: 'x' }] };
const OPTIONS: Json = { rooms: [ROOM], except: [], flags: { timeout: 100 } };

/** The data of each message type of `ClusterAdapter`, from 0. Some types have data with and without an id. */
const CARRIED: readonly Json[][] = [
  [{}],
  [{}],
  [{}],
  [
    { opts: OPTIONS, packet: PACKET },
    { opts: OPTIONS, packet: PACKET, requestId: 'deadbeef' },
  ],
  [{ opts: OPTIONS, rooms: [ROOM] }],
  [{ opts: OPTIONS, rooms: [ROOM] }],
  [{ opts: OPTIONS, close: true }],
  [{ opts: OPTIONS, requestId: 'deadbeef' }],
  [{ requestId: 'deadbeef', sockets: [{ id: 'x', handshake: {}, rooms: [], data: {} }] }],
  [{ packet: ['garbage', 1] }, { packet: ['garbage', 1], requestId: 'deadbeef' }],
  [{ requestId: 'deadbeef', packet: 1 }],
  [{ requestId: 'deadbeef', clientCount: 1 }],
  [{ requestId: 'deadbeef', packet: 1 }],
  [{}],
  // A type that does not exist.
  [{ opts: OPTIONS, packet: PACKET }],
];

/** The messages that adapters based on `ClusterAdapter` exchange. */
export function clusterMessages(): Json[] {
  return CARRIED.flatMap((kinds, type) =>
    kinds.map((data) => ({ uid: 'feedfacefeedface', nsp: '/ws', type, data })),
  );
}

/** What the classic Redis adapter publishes: messages, requests and responses. */
export function classicMessages(): { messages: Json[]; requests: Json[]; answers: Json[] } {
  const types = Array.from({ length: 11 }, (_, type) => type);
  const request = (type: number): Json => ({
    uid: 'feedfa',
    requestId: 'dead',
    type,
    opts: OPTIONS,
    rooms: [ROOM],
    sid: 'x',
    room: ROOM,
    close: true,
    packet: PACKET,
    data: ['garbage', 1],
  });
  const answer = (type: number): Json => ({
    requestId: 'dead',
    type,
    sockets: ['x'],
    rooms: [ROOM],
    data: 1,
    clientCount: 1,
    packet: ['x'],
  });
  return {
    messages: [['feedfa', PACKET, OPTIONS]],
    requests: types.map(request),
    answers: types.map(answer),
  };
}

/** Values that replace valid ones. */
const WRONG: readonly Json[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  0.5,
  '',
  '__proto__',
  'constructor',
  '\0',
  'x'.repeat(5_000),
  [],
  [[]],
  [null],
  Array.from({ length: 300 }, (_, i) => i),
  {},
  { length: 1e9 },
  { rooms: 1, data: 'x', toString: 1 },
  { then: 1 },
];

/** Replaces or removes one or two values anywhere in the message. */
function damage(random: Random, message: Json): Json {
  const copy = structuredClone(message);
  const places: [holder: Record<string, Json>, key: string][] = [];
  const walk = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, Json>, key]);
      walk((value as Record<string, Json>)[key]!);
    }
  };
  walk(copy);
  if (places.length === 0 || random.chance(0.05)) return random.pick(WRONG);
  for (let times = 1 + random.below(2); times > 0; times--) {
    const [holder, key] = random.pick(places);
    const wrong = structuredClone(random.pick(WRONG));
    // An empty list of rooms is not damage: it means all clients.
    const meansAll = key === 'rooms' && Array.isArray(wrong) && wrong.length === 0;
    if (meansAll || (!Array.isArray(holder) && random.chance(0.2))) delete holder[key];
    else holder[key] = wrong;
  }
  return copy;
}

function noise(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.below(80) }, () => random.below(256)));
}

/** @param encode encodes like the adapter */
export function makeGarbage(
  random: Random,
  messages: readonly Json[],
  encode: (message: Json) => Uint8Array,
): Buffer {
  if (random.chance(0.1)) return noise(random);
  const intact = random.pick(messages);
  const isWhole = random.chance(0.7);
  const bytes = Buffer.from(encode(isWhole ? damage(random, intact) : intact));
  return isWhole && random.chance(0.8) ? bytes : bytes.subarray(0, random.below(bytes.length));
}
