export { memoryHistory, type MemoryHistoryOptions } from './memory-store.js';
export { redisHistory, type RedisHistoryOptions } from './redis-store.js';
export { roomHistory, type RoomHistoryOptions } from './room-history.js';
export type { RoomLimits } from './room-patterns.js';
export type {
  HistoryKey,
  HistoryStore,
  StoredEntry,
  StoredLimits,
  StoredPage,
  StoredQuery,
} from './store.js';
export type {
  HistoryMessage,
  HistoryOption,
  HistoryQuery,
  HistoryStart,
  JoinedHistory,
  RoomHistory,
} from '../server/rooms/history.js';
