import * as clientPresence from '../../lib/client/presence.js';
import * as once from '../../lib/once/index.js';
import { ACCEPTS_ANYTHING, type Row } from './public-surface.js';

type Surface = Readonly<Record<string, Row | typeof ACCEPTS_ANYTHING>>;

const optional = true as const;
const options = (valid: object) => ({ name: 'options', valid, optional });

/** The rows of small entries for `public-surface.ts`: functions, since both files import each other. */
export const clientPresenceSurface = (): Surface => ({
  presence: {
    params: [
      { name: 'socket', valid: { on: () => undefined, off: () => undefined } },
      { name: 'room', valid: 'red', takes: ['text'] },
      { name: 'event', valid: 'presence', optional, takes: ['text'] },
    ],
    call: (...args) => Reflect.apply(clientPresence.presence, undefined, args),
  },
});

export const onceSurface = (): Surface => ({
  MessageKey: ACCEPTS_ANYTHING,
  Once: { params: [options({ ttl: 7 })], call: (...args) => Reflect.apply(once.Once, undefined, args) },
  memoryOnce: {
    params: [options({ maxKeys: 7 })],
    call: (...args) => Reflect.apply(once.memoryOnce, undefined, args),
  },
  redisOnce: {
    params: [{ name: 'client', valid: { call: () => undefined } }, options({ prefix: 'x' })],
    call: (...args) => Reflect.apply(once.redisOnce, undefined, args),
  },
});
