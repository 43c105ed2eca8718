import type { INestApplication } from '@nestjs/common';
import * as clientHistory from '../../lib/client/history.js';
import * as clientHttp from '../../lib/client/http.js';
import * as clientPresence from '../../lib/client/presence.js';
import * as clientMsgpack from '../../lib/client/msgpack.js';
import * as explorer from '../../lib/explorer/index.js';
import * as history from '../../lib/history/index.js';
import * as httpApi from '../../lib/http-api/index.js';
import * as httpStreaming from '../../lib/http-streaming/index.js';
import * as clientIndexedDb from '../../lib/client/indexed-db.js';
import * as clientReliable from '../../lib/client/reliable.js';
import * as msgpack from '../../lib/msgpack/index.js';
import * as once from '../../lib/once/index.js';
import { ACCEPTS_ANYTHING, type Row } from './public-surface.js';

type Surface = Readonly<Record<string, Row | typeof ACCEPTS_ANYTHING>>;

const optional = true as const;
const options = (valid: object) => ({ name: 'options', valid, optional });

/** The entries whose rows are here, for `public-surface.ts`. */
export const SMALL_ENTRIES = {
  './client/history': clientHistory,
  './client/http': clientHttp,
  './client/indexed-db': clientIndexedDb,
  './client/msgpack': clientMsgpack,
  './client/presence': clientPresence,
  './client/reliable': clientReliable,
  './explorer': explorer,
  './history': history,
  './http-api': httpApi,
  './http-streaming': httpStreaming,
  './msgpack': msgpack,
  './once': once,
};

/** The rows of these entries: functions, since both files import each other. */
export const smallSurfaces = (app: INestApplication): Record<string, Surface> => ({
  './client/history': clientHistorySurface(),
  './client/http': clientHttpSurface(),
  './client/indexed-db': clientIndexedDbSurface(),
  './client/msgpack': { messagePack: { params: [], call: () => clientMsgpack.messagePack() } },
  './client/presence': clientPresenceSurface(),
  './client/reliable': clientReliableSurface(),
  './explorer': explorerSurface(app),
  './history': historySurface(),
  './http-api': httpApiSurface(),
  './http-streaming': httpStreamingSurface(),
  './msgpack': msgpackSurface(),
  './once': onceSurface(),
});

const clientHttpSurface = (): Surface => ({
  http: {
    params: [options({ credentials: 'include', webSocketRetryDelay: 1_000 })],
    call: (...args) => Reflect.apply(clientHttp.http, undefined, args),
  },
});

const clientPresenceSurface = (): Surface => ({
  presence: {
    params: [
      { name: 'socket', valid: { on: () => undefined, off: () => undefined } },
      { name: 'room', valid: 'red', takes: ['text'] },
      { name: 'event', valid: 'presence', optional, takes: ['text'] },
    ],
    call: (...args) => Reflect.apply(clientPresence.presence, undefined, args),
  },
  states: {
    params: [
      { name: 'socket', valid: { on: () => undefined, off: () => undefined } },
      { name: 'room', valid: 'red', takes: ['text'] },
      { name: 'event', valid: 'states', optional, takes: ['text'] },
    ],
    call: (...args) => Reflect.apply(clientPresence.states, undefined, args),
  },
});

const clientHistorySurface = (): Surface => ({
  history: {
    params: [{ name: 'socket', valid: { on: () => undefined, off: () => undefined } }],
    call: (...args) => Reflect.apply(clientHistory.history, undefined, args),
  },
});

const historySurface = (): Surface => ({
  memoryHistory: {
    params: [options({ maxBytes: 7 })],
    call: (...args) => Reflect.apply(history.memoryHistory, undefined, args),
  },
  redisHistory: {
    params: [{ name: 'client', valid: { call: () => undefined } }, options({ prefix: 'x' })],
    call: (...args) => Reflect.apply(history.redisHistory, undefined, args),
  },
  roomHistory: {
    params: [{ name: 'options', valid: { rooms: { 'chat:*': {} } } }],
    call: (...args) => Reflect.apply(history.roomHistory, undefined, args),
  },
});

const httpApiSurface = (): Surface => ({
  EnvelopeHttpApiModule: {
    name: 'EnvelopeHttpApiModule.register',
    params: [{ name: 'options', valid: { guards: [class {}] } }],
    call: (...args) =>
      Reflect.apply(httpApi.EnvelopeHttpApiModule.register, httpApi.EnvelopeHttpApiModule, args),
  },
});

const clientReliableSurface = (): Surface => ({
  reliable: {
    params: [{ name: 'socket', valid: { onState: () => () => undefined } }, options({ retries: 7 })],
    call: (...args) => Reflect.apply(clientReliable.reliable, undefined, args),
  },
  storageOutbox: {
    params: [
      { name: 'name', valid: 'chat' },
      { name: 'storage', valid: { getItem: () => null } },
    ],
    call: (...args) => Reflect.apply(clientReliable.storageOutbox, undefined, args),
  },
});

const clientIndexedDbSurface = (): Surface => ({
  indexedDbOutbox: {
    params: [{ name: 'name', valid: 'chat' }],
    call: (...args) => Reflect.apply(clientIndexedDb.indexedDbOutbox, undefined, args),
  },
});

const onceSurface = (): Surface => ({
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

const explorerSurface = (app: INestApplication): Surface => ({
  EnvelopeExplorer: {
    name: 'EnvelopeExplorer.setup',
    params: [{ name: 'path', valid: 'ws-docs' }, { name: 'app', valid: app }, options({})],
    call: (...args) => Reflect.apply(explorer.EnvelopeExplorer.setup, explorer.EnvelopeExplorer, args),
  },
});

const httpStreamingSurface = (): Surface => ({
  httpStreaming: {
    params: [options({ rotateAfter: 7 })],
    call: (...args) => Reflect.apply(httpStreaming.httpStreaming, undefined, args),
  },
});

const msgpackSurface = (): Surface => ({
  messagePack: {
    params: [options({ maxValues: 7 })],
    call: (...args) => Reflect.apply(msgpack.messagePack, undefined, args),
  },
});
