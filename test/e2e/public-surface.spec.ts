import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { WebSocket } from 'ws';
import * as client from '../../lib/client/index.js';
import * as nodeClient from '../../lib/client/node.js';
import * as contract from '../../lib/contract/index.js';
import * as explorer from '../../lib/explorer/index.js';
import * as main from '../../lib/index.js';
import * as microservices from '../../lib/microservices/index.js';
import * as opentelemetry from '../../lib/opentelemetry/index.js';
import * as terminus from '../../lib/terminus/index.js';
import * as testing from '../../lib/testing/index.js';
import * as throttler from '../../lib/throttler/index.js';

/** As package.json names them: what a browser gets of `./client` is another file. */
const ENTRIES: Readonly<Record<string, Record<string, unknown>>> = {
  '.': main,
  './throttler': throttler,
  './microservices': microservices,
  './contract': contract,
  './explorer': explorer,
  './opentelemetry': opentelemetry,
  './terminus': terminus,
  './testing': testing,
  './client': nodeClient,
};

/** One value of each kind. */
const KINDS = {
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
type Kind = keyof typeof KINDS;

interface Parameter {
  readonly name: string;
  readonly valid: unknown;
  /** It may be left out. */
  readonly optional?: true;
  /** Kinds of values that it takes as they are. */
  readonly takes?: readonly Kind[];
}

interface Row {
  /** With what its errors begin, if not with the name of the export. */
  readonly name?: string;
  readonly params: readonly Parameter[];
  readonly call: (...args: unknown[]) => unknown;
}

/** A value that is there to be read. */
const CONSTANT = 'a constant';
/** An error class, or a class without parameters: `new` works with whatever it is given. */
const ANYTHING = 'takes anything';
/** Exported for its type and for `instanceof`: the package makes its instances. */
const MADE_HERE = 'made by the package';

type Entry = Row | readonly Row[] | typeof CONSTANT | typeof ANYTHING | typeof MADE_HERE;

let app: INestApplication;
/** One that a test client starts. */
let started: INestApplication;
const ends: (() => unknown)[] = [];

const makeApp = async (): Promise<INestApplication> => {
  const made = (await Test.createTestingModule({}).compile()).createNestApplication({ logger: false });
  ends.push(() => made.close());
  return made;
};

beforeAll(async () => {
  app = await makeApp();
  started = await makeApp();
});
afterAll(async () => {
  await Promise.all(ends.map((end) => end()));
});

const optional = true as const;
/** What Nest injects, it injects rightly or not at all. */
const BUT_NULL = (Object.keys(KINDS) as Kind[]).filter((kind) => kind !== 'null');
const options = (valid: object = {}): Parameter => ({ name: 'options', valid, optional });
const application = (): Parameter => ({ name: 'app', valid: app });
const url: Parameter = { name: 'url', valid: 'ws://127.0.0.1:1/' };
const source: Parameter = { name: 'source', valid: String, takes: ['null', 'object', 'function'] };
const path: Parameter = { name: 'path', valid: '/x', takes: ['text'] };
const connected = (socket: unknown): void => void (socket as { disconnect(): void }).disconnect();
const stopped = (stop: unknown): void => (stop as () => void)();
const adapterOf = (...args: unknown[]): unknown => Reflect.construct(main.EnvelopeAdapter, args);

const connectRow = (subject: (...args: never[]) => unknown): Row => ({
  params: [url, options({ autoConnect: false, WebSocket })],
  call: (...args) => connected(Reflect.apply(subject, undefined, args)),
});

/** Asked for when the application is there. */
const table = (): Readonly<Record<string, Readonly<Record<string, Entry>>>> => ({
  '.': {
    BroadcastOperator: MADE_HERE,
    CLOSE_CODES: CONSTANT,
    ENVELOPE_OPTIONS: CONSTANT,
    EnvelopeAdapter: { params: [application(), options()], call: adapterOf },
    EnvelopeExceptionFilter: ANYTHING,
    EnvelopeModule: [
      {
        name: 'EnvelopeModule.forRoot',
        // what is in them the adapter looks into
        params: [{ ...options(), takes: ['object'] }],
        call: (...args) => Reflect.apply(main.EnvelopeModule.forRoot, main.EnvelopeModule, args),
      },
      {
        name: 'EnvelopeModule.forRootAsync',
        params: [{ name: 'options', valid: { useFactory: () => ({}) } }],
        call: (...args) => Reflect.apply(main.EnvelopeModule.forRootAsync, main.EnvelopeModule, args),
      },
    ],
    EnvelopeServer: ANYTHING,
    EnvelopeSocket: MADE_HERE,
    InjectEnvelopeServer: {
      params: [{ ...path, optional }],
      call: (...args) => Reflect.apply(main.InjectEnvelopeServer, undefined, args),
    },
    Presence: MADE_HERE,
    RemoteSocket: MADE_HERE,
    RequestError: ANYTHING,
    RoomLimitError: ANYTHING,
    getEnvelopeServerToken: {
      params: [path],
      call: (...args) => Reflect.apply(main.getEnvelopeServerToken, undefined, args),
    },
    messageContext: ANYTHING,
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
  './throttler': { EnvelopeThrottlerGuard: ANYTHING },
  './microservices': {
    ENVELOPE: CONSTANT,
    EnvelopeClient: {
      params: [{ name: 'options', valid: { url: url.valid } }],
      call: (...args) => Reflect.construct(microservices.EnvelopeClient, args),
    },
    EnvelopeContext: ANYTHING,
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
    contractToYaml: {
      params: [{ name: 'contract', valid: {}, takes: ['object'] }],
      call: (...args) => Reflect.apply(contract.contractToYaml, undefined, args),
    },
    createContract: {
      params: [application(), options()],
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
        application(),
        { name: 'file', valid: join(tmpdir(), `surface-${process.pid}.yaml`) },
        options(),
      ],
      call: (...args) => Reflect.apply(contract.writeContract, undefined, args),
    },
  },
  './explorer': {
    EnvelopeExplorer: {
      name: 'EnvelopeExplorer.setup',
      params: [{ name: 'path', valid: 'ws-docs' }, application(), options()],
      call: (...args) => Reflect.apply(explorer.EnvelopeExplorer.setup, explorer.EnvelopeExplorer, args),
    },
  },
  './opentelemetry': {
    instrument: {
      params: [options()],
      call: (...args) => stopped(Reflect.apply(opentelemetry.instrument, undefined, args)),
    },
    traceMetadata: ANYTHING,
  },
  './terminus': {
    EnvelopeHealthIndicator: [
      {
        params: [
          { name: 'EnvelopeModule', valid: { servers: () => [] }, takes: BUT_NULL },
          { name: 'TerminusModule', valid: { check: () => CHECK }, takes: BUT_NULL },
        ],
        call: (...args) => Reflect.construct(terminus.EnvelopeHealthIndicator, args),
      },
      {
        name: 'EnvelopeHealthIndicator.isHealthy',
        params: [{ name: 'key', valid: 'websocket' }, options({ requireCluster: true })],
        call: (...args) => Reflect.apply(indicator().isHealthy, indicator(), args),
      },
      {
        name: 'EnvelopeHealthIndicator.isReady',
        params: [{ name: 'key', valid: 'websocket' }],
        call: (...args) => Reflect.apply(indicator().isReady, indicator(), args),
      },
    ],
  },
  './testing': {
    ConnectError: ANYTHING,
    DisconnectedError: ANYTHING,
    RequestError: ANYTHING,
    TestClient: MADE_HERE,
    UpgradeRefusedError: ANYTHING,
    createTestClient: {
      params: [
        { name: 'app', valid: started },
        { name: 'pathOrOptions', valid: '/nowhere', optional, takes: ['text'] },
      ],
      // there is no gateway: the server says so
      call: async (...args) => {
        const made: unknown = await Reflect.apply(testing.createTestClient, undefined, args).catch(
          (error: unknown) => error,
        );
        if (made instanceof Error && !(made instanceof testing.UpgradeRefusedError)) throw made;
      },
    },
  },
  './client': {
    ClientSocket: MADE_HERE,
    ConnectError: ANYTHING,
    DisconnectedError: ANYTHING,
    RequestError: ANYTHING,
    connect: connectRow(nodeClient.connect),
  },
});

const CHECK = { up: (details: unknown) => details, down: (details: unknown) => details };
const indicator = (): terminus.EnvelopeHealthIndicator => {
  const made = new terminus.EnvelopeHealthIndicator(
    { servers: () => [] } as never,
    { check: () => CHECK } as never,
  );
  made.onModuleInit();
  ends.push(() => made.onApplicationShutdown());
  return made;
};

/** What a call ends with: nothing, or its error. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The error has to say which function it is of, and which parameter. */
function expectNamed(error: unknown, name: string, parameter: string, what: string): void {
  const text = error instanceof Error ? error.message : `no error: ${String(error)}`;
  expect([what, text]).toEqual([
    what,
    expect.stringMatching(new RegExp(`^@?${name.replace('.', '\\.')}\\b`)),
  ]);
  expect([what, text]).toEqual([what, expect.stringContaining(parameter)]);
}

async function expectGuarded(exported: string, { name = exported, params, call }: Row): Promise<void> {
  const valid = params.map((parameter) => parameter.valid);
  for (const [i, parameter] of params.entries()) {
    const missing = await errorOf(() => call(...valid.slice(0, i)));
    if (parameter.optional === true) expect([name, i, missing]).toEqual([name, i, undefined]);
    else expectNamed(missing, name, parameter.name, `${name} without ${parameter.name}`);
    for (const [kind, value] of Object.entries(KINDS) as [Kind, unknown][]) {
      const what = `${name}, ${parameter.name}: ${kind}`;
      const error = await errorOf(() => call(...valid.map((other, at) => (at === i ? value : other))));
      if (parameter.takes?.includes(kind) === true) expect([what, error]).toEqual([what, undefined]);
      // an option that is unknown, or one that is missing, is named itself
      else expectNamed(error, name, kind === 'object' ? '' : parameter.name, what);
    }
  }
  expect([name, await errorOf(() => call(...valid))]).toEqual([name, undefined]);
}

describe.each(Object.keys(ENTRIES))('the entry %s', (entry) => {
  it('has no export without a row here', () => {
    expect(Object.keys(ENTRIES[entry]!).sort()).toEqual(Object.keys(table()[entry]!).sort());
  });

  it.each(Object.keys(ENTRIES[entry]!))('%s works, or names what is missing or wrong', async (exported) => {
    const subject = ENTRIES[entry]![exported];
    const row = table()[entry]![exported];
    if (row === CONSTANT) expect(typeof subject).not.toBe('function');
    else if (row === ANYTHING || row === MADE_HERE) {
      const type = subject as new (...args: unknown[]) => object;
      const calls: unknown[][] = [[], [null, null], ['text', 'text']];
      if (row === ANYTHING) calls.splice(1, 2, [{}]);
      for (const args of calls) {
        const isClass = /^class\b/.test(String(type));
        const error = await errorOf(() =>
          isClass ? Reflect.construct(type, args) : Reflect.apply(type, undefined, args),
        );
        if (row === ANYTHING) expect([args, error]).toEqual([args, undefined]);
        else expectNamed(error, exported, '', `new ${exported}(${args.map(String).join(', ')})`);
      }
    } else for (const one of [row].flat() as Row[]) await expectGuarded(exported, one);
  });
});

it('names every entry of package.json, and what a browser gets of the client', async () => {
  const { exports } = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as {
    exports: object;
  };
  const files = ['./client.min.js', './package.json'];
  expect(Object.keys(exports).filter((name) => !files.includes(name))).toEqual(Object.keys(ENTRIES));
  expect(Object.keys(client).sort()).toEqual(Object.keys(nodeClient).sort());
  const { call, params } = connectRow(client.connect);
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  Object.defineProperty(globalThis, 'WebSocket', { value: WebSocket, configurable: true });
  try {
    await expectGuarded('connect', { call, params });
  } finally {
    Reflect.deleteProperty(globalThis, 'WebSocket');
    if (before !== undefined) Object.defineProperty(globalThis, 'WebSocket', before);
  }
});
