export { MessageKey } from '../nest/handlers/message-key.js';
export type { OnceStore } from '../nest/options/once-store.js';
export { memoryOnce, type MemoryOnceOptions } from './memory-once.js';
export { Once, type OnceOptions } from './once.js';
export { redisOnce, type RedisClient, type RedisOnceOptions } from './redis-once.js';
