import { assertOptions, refuseOption } from '../protocol/refuse.js';
import type { HistoryOption } from '../server/rooms/history.js';
import { memoryHistory } from './memory-store.js';
import { RoomPatterns, type RoomLimits } from './room-patterns.js';
import { RoomHistories } from './room-histories.js';
import type { HistoryStore } from './store.js';

/** The options of {@link roomHistory}. */
export interface RoomHistoryOptions {
  /**
   * The rooms that have a history, by name, or by its beginning and an asterisk: `{ 'chat:*': { size: 200 } }`. The first one
   * that matches counts.
   */
  rooms: Readonly<Record<string, RoomLimits>>;
  /** Stores the messages. Default: `memoryHistory()`. A cluster needs `redisHistory(redis)`. */
  store?: HistoryStore;
}

const STORE_METHODS = ['append', 'read', 'drop', 'isId', 'isLater'] as const;

/**
 * Stores what is sent to rooms, for clients that join later: the option `history` of `EnvelopeAdapter` and gateways. What
 * `server.to(room).emit(…)` sends is stored, unless it is volatile, local or a request.
 *
 * @example
 * new EnvelopeAdapter(app, { history: roomHistory({ rooms: { 'chat:*': { size: 200, ttl: 86_400_000 } } }) });
 * // in a handler
 * const { complete } = await client.join('chat:7', { after, rewind: 50 });
 *
 * @throws TypeError that names the option, its value and what it takes
 */
export function roomHistory(options: RoomHistoryOptions): HistoryOption {
  assertOptions('roomHistory', options, ['rooms', 'store'], "{ rooms: { 'chat:*': { size: 200 } } }");
  const { rooms, store = memoryHistory() } = options;
  const patterns = new RoomPatterns(rooms);
  if (!STORE_METHODS.every((name) => typeof Reflect.get(Object(store), name) === 'function'))
    refuseOption('roomHistory', 'store', store, 'memoryHistory() or redisHistory(redis)');
  let open = 0;
  const closed = (): void => {
    if (--open === 0) store.close?.();
  };
  return {
    _openHistory(server) {
      open++;
      return new RoomHistories(server, patterns, store, closed);
    },
  };
}
