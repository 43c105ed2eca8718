import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { WebSocket } from 'ws';
import * as nodeClient from '../../lib/client/node.js';
import * as contract from '../../lib/contract/index.js';
import * as main from '../../lib/index.js';
import * as microservices from '../../lib/microservices/index.js';
import * as opentelemetry from '../../lib/opentelemetry/index.js';
import * as react from '../../lib/react/index.js';
import * as socketio from '../../lib/socketio/index.js';
import * as terminus from '../../lib/terminus/index.js';
import * as testing from '../../lib/testing/index.js';
import * as throttler from '../../lib/throttler/index.js';
import { SMALL_ENTRIES, smallSurfaces } from './entry-surfaces.js';

/** The entries of package.json. `./client` is the entry for Node; browsers load another file. */
export const ENTRIES: Readonly<Record<string, Record<string, unknown>>> = {
  '.': main,
  './throttler': throttler,
  './microservices': microservices,
  './contract': contract,
  './opentelemetry': opentelemetry,
  './terminus': terminus,
  './socket.io': socketio,
  ...SMALL_ENTRIES,
  './testing': testing,
  './client': nodeClient,
  './react': react,
};

/** One value of each kind. */
export const KINDS = {
  null: null,
  number: -7,
  boolean: true,
  text: '',
  list: [],
  object: { frobnicate: 1 },
  function: () => undefined,
  symbol: Symbol('s'),
  bigint: 7n,
} as const;
export type Kind = keyof typeof KINDS;

interface Parameter {
  readonly name: string;
  readonly valid: unknown;
  /** Whether it may be omitted. */
  readonly optional?: true;
  /** Kinds of other values that are valid. */
  readonly takes?: readonly Kind[];
}

export interface Row {
  /** The first words of its errors, if not the name of the export. */
  readonly name?: string;
  readonly params: readonly Parameter[];
  readonly call: (...args: unknown[]) => unknown;
}

/** A constant to read. */
export const CONSTANT = 'a constant';
/** An error class, or a class without parameters: `new` accepts any arguments. */
export const ACCEPTS_ANYTHING = 'takes anything';
/** Exported for its type and for `instanceof`: only the package creates instances. */
export const PACKAGE_ONLY = 'made by the package';
/** A component or hook, which only React calls. `test/react` tests it. */
export const CALLED_BY_REACT = 'called by React';

const CLIENT_ERRORS = {
  ConnectError: ACCEPTS_ANYTHING,
  DisconnectedError: ACCEPTS_ANYTHING,
  RequestError: ACCEPTS_ANYTHING,
  TimeoutError: ACCEPTS_ANYTHING,
} as const;
const HOOKS = ['EnvelopeProvider', ...Object.keys(react).filter((name) => /^use[A-Z]/.test(name))];

type Mark = typeof CONSTANT | typeof ACCEPTS_ANYTHING | typeof PACKAGE_ONLY | typeof CALLED_BY_REACT;
type Entry = Row | readonly Row[] | Mark;

const optional = true as const;
/** Nest injects the right value or `undefined`, so only null is checked. */
const NON_NULL = (Object.keys(KINDS) as Kind[]).filter((kind) => kind !== 'null');
const options = (valid: object = {}): Parameter => ({ name: 'options', valid, optional });
const url: Parameter = { name: 'url', valid: 'ws://127.0.0.1:1/' };
const source: Parameter = { name: 'source', valid: String, takes: ['null', 'object', 'function'] };
const path: Parameter = { name: 'path', valid: '/x', takes: ['text'] };
const EMPTY_CONTRACT = {
  asyncapi: '3.0.0',
  info: { title: 'Empty', version: '1.0.0' },
  channels: {},
  operations: {},
  components: { messages: {} },
};
const connected = (socket: unknown): void => {
  (socket as { disconnect(): void }).disconnect();
};
const stopped = (stop: unknown): void => (stop as () => void)();
const adapterOf = (...args: unknown[]): unknown => Reflect.construct(main.EnvelopeAdapter, args);

export const connectRow = (subject: (...args: never[]) => unknown): Row => ({
  params: [url, options({ autoConnect: false, WebSocket })],
  call: (...args) => connected(Reflect.apply(subject, undefined, args)),
});

/**
 * The parameters of each export of each entry. A missing export fails the test.
 *
 * @param started an application that a test client may start
 * @param ends functions to call at the end
 */
export const surfaceOf = (
  app: INestApplication,
  started: INestApplication,
  ends: (() => unknown)[],
): Readonly<Record<string, Readonly<Record<string, Entry>>>> => ({
  '.': {
    AbortError: ACCEPTS_ANYTHING,
    BroadcastOperator: PACKAGE_ONLY,
    CLOSE_CODES: CONSTANT,
    DisconnectedError: ACCEPTS_ANYTHING,
    ENVELOPE_OPTIONS: CONSTANT,
    EnvelopeAdapter: { params: [{ name: 'app', valid: app }, options()], call: adapterOf },
    EnvelopeExceptionFilter: ACCEPTS_ANYTHING,
    EnvelopeModule: [
      {
        name: 'EnvelopeModule.forRoot',
        // the adapter checks the options themselves
        params: [{ ...options(), takes: ['object'] }],
        call: (...args) => Reflect.apply(main.EnvelopeModule.forRoot, main.EnvelopeModule, args),
      },
      {
        name: 'EnvelopeModule.forRootAsync',
        params: [{ name: 'options', valid: { useFactory: () => ({}) } }],
        call: (...args) => Reflect.apply(main.EnvelopeModule.forRootAsync, main.EnvelopeModule, args),
      },
    ],
    EnvelopeOperations: ACCEPTS_ANYTHING,
    EnvelopeServer: ACCEPTS_ANYTHING,
    EnvelopeSocket: PACKAGE_ONLY,
    InjectEnvelopeServer: {
      params: [{ ...path, optional }],
      call: (...args) => Reflect.apply(main.InjectEnvelopeServer, undefined, args),
    },
    Ordered: ACCEPTS_ANYTHING,
    Presence: PACKAGE_ONLY,
    RemoteSocket: PACKAGE_ONLY,
    RequestError: ACCEPTS_ANYTHING,
    RoomLimitError: ACCEPTS_ANYTHING,
    Signal: ACCEPTS_ANYTHING,
    TimeoutError: ACCEPTS_ANYTHING,
    getEnvelopeServerToken: {
      params: [path],
      call: (...args) => Reflect.apply(main.getEnvelopeServerToken, undefined, args),
    },
    messageContext: ACCEPTS_ANYTHING,
    observe: {
      params: [
        { name: 'name', valid: 'mount' },
        { name: 'listener', valid: () => undefined, takes: ['function'] },
      ],
      call: (...args) => stopped(Reflect.apply(main.observe, undefined, args)),
    },
    tolerant: {
      params: [
        { name: 'client', valid: {}, takes: ['object', 'list'] },
        { name: 'failed', valid: () => undefined, optional, takes: ['function'] },
      ],
      call: (...args) => Reflect.apply(main.tolerant, undefined, args),
    },
    user: {
      params: [{ name: 'user', valid: 7, takes: ['number', 'bigint', 'object'] }],
      call: (...args) => Reflect.apply(main.user, undefined, args),
    },
  },
  './throttler': { EnvelopeThrottlerGuard: ACCEPTS_ANYTHING },
  './microservices': {
    ENVELOPE: CONSTANT,
    EnvelopeClient: {
      params: [{ name: 'options', valid: { url: url.valid } }],
      call: (...args) => Reflect.construct(microservices.EnvelopeClient, args),
    },
    EnvelopeContext: ACCEPTS_ANYTHING,
    EnvelopeTransport: {
      params: [{ name: 'adapter', valid: adapterOf(app) }, options()],
      call: (...args) => Reflect.construct(microservices.EnvelopeTransport, args),
    },
  },
  './contract': {
    Describe: {
      params: [{ name: 'description', valid: { summary: 'says' } }],
      call: (...args) => Reflect.apply(contract.Describe, undefined, args),
    },
    Emits: {
      params: [
        { name: 'event', valid: 'said' },
        source,
        { name: 'options', valid: { description: 'said' }, optional },
      ],
      call: (...args) => Reflect.apply(contract.Emits, undefined, args),
    },
    Receives: { params: [source], call: (...args) => Reflect.apply(contract.Receives, undefined, args) },
    Replies: {
      params: [source, options({ stream: true })],
      call: (...args) => Reflect.apply(contract.Replies, undefined, args),
    },
    Security: {
      params: [
        { name: 'name', valid: 'bearer' },
        { name: 'scheme', valid: { type: 'http' }, optional, takes: ['object'] },
        { name: 'scopes', valid: [], optional, takes: ['list'] },
      ],
      call: (...args) => Reflect.apply(contract.Security, undefined, args),
    },
    contractToTypes: {
      params: [{ name: 'contract', valid: EMPTY_CONTRACT }],
      call: (...args) => Reflect.apply(contract.contractToTypes, undefined, args),
    },
    contractToYaml: {
      params: [{ name: 'contract', valid: {}, takes: ['object'] }],
      call: (...args) => Reflect.apply(contract.contractToYaml, undefined, args),
    },
    createContract: {
      params: [{ name: 'app', valid: app }, options()],
      call: (...args) => Reflect.apply(contract.createContract, undefined, args),
    },
    defineEvents: {
      params: [{ name: 'events', valid: { said: String, bye: null } }],
      call: (...args) => Reflect.apply(contract.defineEvents, undefined, args),
    },
    schema: {
      params: [{ name: 'definition', valid: {}, takes: ['object'] }],
      call: (...args) => Reflect.apply(contract.schema, undefined, args),
    },
    writeContract: {
      params: [
        { name: 'app', valid: app },
        { name: 'file', valid: join(tmpdir(), `surface-${process.pid}.yaml`) },
        options(),
      ],
      call: (...args) => Reflect.apply(contract.writeContract, undefined, args),
    },
    writeTypes: {
      params: [
        { name: 'app', valid: app },
        { name: 'file', valid: join(tmpdir(), `surface-${process.pid}.ts`) },
        options(),
      ],
      call: (...args) => Reflect.apply(contract.writeTypes, undefined, args),
    },
  },
  './opentelemetry': {
    instrument: {
      params: [options()],
      call: (...args) => stopped(Reflect.apply(opentelemetry.instrument, undefined, args)),
    },
    traceMetadata: ACCEPTS_ANYTHING,
  },
  './terminus': {
    EnvelopeHealthIndicator: [
      {
        params: [
          { name: 'EnvelopeModule', valid: { lookup: { servers: () => [] } }, takes: NON_NULL },
          { name: 'TerminusModule', valid: { check: () => CHECK }, takes: NON_NULL },
        ],
        call: (...args) => Reflect.construct(terminus.EnvelopeHealthIndicator, args),
      },
      {
        name: 'EnvelopeHealthIndicator.isHealthy',
        params: [{ name: 'key', valid: 'websocket' }, options({ requireCluster: true })],
        call: (...args) => Reflect.apply(indicator(ends).isHealthy, indicator(ends), args),
      },
      {
        name: 'EnvelopeHealthIndicator.isReady',
        params: [{ name: 'key', valid: 'websocket' }],
        call: (...args) => Reflect.apply(indicator(ends).isReady, indicator(ends), args),
      },
    ],
  },
  './socket.io': {
    socketIO: { params: [options()], call: (...args) => Reflect.apply(socketio.socketIO, undefined, args) },
  },
  './testing': {
    ...CLIENT_ERRORS,
    TestClient: PACKAGE_ONLY,
    UpgradeRefusedError: ACCEPTS_ANYTHING,
    createTestClient: {
      params: [
        { name: 'app', valid: started },
        { name: 'pathOrOptions', valid: '/nowhere', optional, takes: ['text'] },
      ],
      // without a gateway, the server refuses the connection
      call: async (...args) => {
        const made: unknown = await Reflect.apply(testing.createTestClient, undefined, args).catch(
          (error: unknown) => error,
        );
        if (made instanceof Error && !(made instanceof testing.UpgradeRefusedError)) throw made;
      },
    },
  },
  './client': {
    ...CLIENT_ERRORS,
    ClientSocket: PACKAGE_ONLY,
    connect: connectRow(nodeClient.connect),
  },
  ...smallSurfaces(app),
  './react': {
    createEnvelopeHooks: ACCEPTS_ANYTHING,
    ...Object.fromEntries(HOOKS.map((name) => [name, CALLED_BY_REACT])),
  },
});

const CHECK = { up: (details: unknown) => details, down: (details: unknown) => details };
const indicator = (ends: (() => unknown)[]): terminus.EnvelopeHealthIndicator => {
  const made = new terminus.EnvelopeHealthIndicator(
    { lookup: { servers: () => [] } } as never,
    { check: () => CHECK } as never,
  );
  made.onModuleInit();
  ends.push(() => made.onApplicationShutdown());
  return made;
};
