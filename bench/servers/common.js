// Shared by all servers of the bench.
export const TEXT = 'a payload of some sixty characters, as chat messages have it';

/** 1.2 kB of JSON, as lists on pages have it. */
export const LIST = Array.from({ length: 9 }, (_, i) => ({
  id: 48_201 + i * 37,
  name: ['Ada Lovelace', 'Grace Hopper', 'Edsger Dijkstra', 'Barbara Liskov'][i % 4],
  price: Math.round(123_457 * Math.sin(i + 1)) / 100,
  state: ['open', 'paid', 'sent'][i % 3],
  at: new Date(1_796_000_000_000 + i * 7_654_321).toISOString(),
}));

/** Calls `call` `times` times, `perTick` times in each turn of the event loop. */
export function repeat(times, perTick, call) {
  return new Promise((resolve) => {
    let left = times;
    const turn = () => {
      for (let i = 0; i < perTick && left > 0; i++, left--) call();
      if (left > 0) setImmediate(turn);
      else resolve();
    };
    turn();
  });
}

/** Puts each client into ten rooms of `size` members each. */
export function manySmallRooms(clients, size, join) {
  const PER_CLIENT = 10;
  for (let round = 0; round < PER_CLIENT; round++)
    clients.forEach((client, i) => join(client, `room ${round} ${Math.floor(i / size)}`));
}

/** How many members each of these rooms has. */
export const MEMBERS = 5;

/** Calls back with each client and each of its rooms: `count` rooms of a few members. All clients have as many rooms. */
export function eachMembership(clients, count, call) {
  for (let i = 0; i < count; i++)
    for (let j = 0; j < MEMBERS; j++) call(clients[(i * MEMBERS + j) % clients.length], `room ${i}`);
}

/** Every check is on, with limits above what the load reaches. */
const huge = 1e9;
export const LIMITS = {
  messagesPerSecond: huge,
  messageBurst: huge,
  maxConnections: huge,
  maxConnectionsPerAddress: huge,
  maxPendingUpgrades: huge,
  maxInFlight: huge,
};

/** Every check is off. */
export const NO_LIMITS = Object.fromEntries(
  [
    'maxPayload',
    'maxFragments',
    'maxJsonDepth',
    'maxEventNameLength',
    'messagesPerSecond',
    'maxInFlight',
    'maxRooms',
    'maxRoomNameLength',
    'maxBufferedBytes',
    'upgradeTimeout',
    'maxConnections',
    'maxConnectionsPerAddress',
    'maxPendingUpgrades',
  ].map((name) => [name, false]),
);
