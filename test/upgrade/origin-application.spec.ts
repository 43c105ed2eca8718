import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketGateway } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { EnvelopeAdapter, type Cors, type EnvelopeOptions } from '../../lib/index.js';
import { RecordingLogger } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';

const PAGE = 'https://page.example';
const NAMED = 'https://named.example';
const OTHER = 'https://other.example';

@WebSocketGateway({ path: '/ws' })
class DefaultGateway {}

@WebSocketGateway({ path: '/strict', cors: { origin: NAMED } })
class StrictGateway {}

@WebSocketGateway({ path: '/closed', cors: false })
class ClosedGateway {}

@Module({ providers: [DefaultGateway, StrictGateway, ClosedGateway] })
class AppModule {}

interface Setting {
  /** The option of `NestFactory.create`. */
  factory?: Cors;
  /** Passed to `app.enableCors` before the adapter exists. */
  before?: Cors;
  /** Passed to `app.enableCors` once the adapter exists. */
  enabled?: Cors;
  /** Options of the adapter. */
  adapter?: EnvelopeOptions;
}

const apps: INestApplication[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** Starts like a `main.ts`: the application is wrapped in the Proxy of `NestFactory`. */
async function start({ factory, before, enabled, adapter }: Setting): Promise<INestApplication> {
  const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, http, {
    logger: new RecordingLogger(),
    abortOnError: false,
    ...(factory === undefined ? {} : { cors: factory as boolean }),
  });
  apps.push(app);
  if (before !== undefined) app.enableCors(before as object);
  app.useWebSocketAdapter(new EnvelopeAdapter(app, adapter));
  if (enabled !== undefined) app.enableCors(enabled as object);
  await app.listen(0, '127.0.0.1');
  return app;
}

const portOf = (app: INestApplication): number => (app.getHttpServer().address() as AddressInfo).port;

/** Returns the status of an upgrade that a page of this origin requests. */
async function upgradeStatus(app: INestApplication, origin: string, path = '/ws'): Promise<number> {
  return (await requestUpgrade(portOf(app), path, { Origin: origin })).status;
}

/**
 * Returns the CORS headers of an HTTP route for a page of this origin: whether it may read,
 * and whether it may send the user's cookies.
 */
async function readAs(app: INestApplication, origin: string): Promise<(string | null)[]> {
  const { headers } = await fetch(`http://127.0.0.1:${portOf(app)}/`, { headers: { origin } });
  return ['access-control-allow-origin', 'access-control-allow-credentials'].map((name) => headers.get(name));
}

const asFunction = (origin: string | undefined, callback: (error: null, allowed: boolean) => void): void =>
  callback(null, origin === PAGE);

/** Rules that are safe for a socket, which always carries cookies. */
const accepted: [string, Cors][] = [
  ['a name', { origin: PAGE }],
  ['a list of names', { origin: [OTHER, PAGE] }],
  ['true, with credentials', { origin: true, credentials: true }],
  ['a RegExp, with credentials', { origin: /^https:\/\/page\.example$/, credentials: true }],
  ['a list with a RegExp, with credentials', { origin: [OTHER, /page\.example$/g], credentials: true }],
  ['a function, with credentials', { origin: asFunction as never, credentials: true }],
  [
    'a function that answers later, with credentials',
    { origin: (_origin, callback) => setImmediate(callback, null, PAGE), credentials: true },
  ],
  ['an async function, with credentials', { origin: async (origin) => origin === PAGE, credentials: true }],
  ['a delegate that returns a name', (_request, callback) => callback(null, { origin: PAGE })],
  [
    'a delegate that returns a rule with credentials',
    (request, callback) => callback(null, { origin: request.headers.origin === PAGE, credentials: true }),
  ],
];

/** Rules that open an API to every origin, and rules that open nothing. */
const ignored: [string, Cors][] = [
  ['false', false],
  ['true', true],
  ['an empty object', {}],
  ['no origin, with credentials', { credentials: true }],
  ['an asterisk', { origin: '*' }],
  ['an asterisk, with credentials', { origin: '*', credentials: true }],
  ['an asterisk in a list, with credentials', { origin: [PAGE, '*'], credentials: true }],
  ['true, without credentials', { origin: true }],
  ['a RegExp without credentials', { origin: /page\.example$/ }],
  ['a list with a RegExp, without credentials', { origin: [PAGE, /example$/] }],
  ['a function without credentials', { origin: asFunction as never }],
  ['an async function without credentials', { origin: async () => true }],
  ['a delegate that returns an asterisk', (_request, callback) => callback(null, { origin: '*' })],
  ['a delegate that returns nothing', (_request, callback) => callback(null)],
  ['a delegate that fails', (_request, callback) => callback(new Error('no database'))],
  ['another name', { origin: OTHER }],
];

expectNoUnhandledErrors();

describe.each(['factory', 'before', 'enabled'] as const)('the CORS rule of the application, %s', (where) => {
  it.each(accepted)('applies to the socket: %s', async (_name, cors) => {
    const app = await start({ [where]: cors });
    expect(await upgradeStatus(app, PAGE)).toBe(101);
    expect(await upgradeStatus(app, PAGE)).toBe(101);
    expect(await upgradeStatus(app, 'https://page.example.evil.example')).toBe(
      typeof cors === 'object' && cors.origin === true ? 101 : 403,
    );
  });

  it.each(ignored)('does not open the socket: %s', async (_name, cors) => {
    const app = await start({ [where]: cors });
    expect(await upgradeStatus(app, PAGE)).toBe(403);
    expect(await upgradeStatus(app, `http://127.0.0.1:${portOf(app)}`)).toBe(101);
  });

  it('still applies to HTTP', async () => {
    const app = await start({ [where]: { origin: [NAMED], credentials: true } });
    expect(await readAs(app, NAMED)).toEqual([NAMED, 'true']);
    expect((await readAs(app, OTHER))[0]).toBeNull();
  });
});

describe('of several CORS rules', () => {
  const both = { factory: { origin: PAGE }, adapter: { cors: { origin: OTHER } } };

  it('the rule of the gateway applies first', async () => {
    const app = await start(both);
    expect(await upgradeStatus(app, NAMED, '/strict')).toBe(101);
    expect(await upgradeStatus(app, OTHER, '/strict')).toBe(403);
    expect(await upgradeStatus(app, PAGE, '/strict')).toBe(403);
    for (const origin of [NAMED, OTHER, PAGE]) expect(await upgradeStatus(app, origin, '/closed')).toBe(403);
  });

  it('the rule of the adapter applies next, even a wildcard, because it is meant for the socket', async () => {
    const app = await start(both);
    expect(await upgradeStatus(app, OTHER)).toBe(101);
    expect(await upgradeStatus(app, PAGE)).toBe(403);
    const open = await start({ adapter: { cors: true } });
    expect(await upgradeStatus(open, PAGE)).toBe(101);
    expect(await upgradeStatus(open, PAGE, '/strict')).toBe(403);
    const closed = await start({ factory: { origin: PAGE }, adapter: { cors: false } });
    expect(await upgradeStatus(closed, PAGE)).toBe(403);
  });

  // Fastify registers its plugin once.
  const withExpress = HTTP_PLATFORM === 'express' ? it : it.skip;
  withExpress('the rule of the application applies last, the later one of two', async () => {
    const app = await start({ before: { origin: NAMED }, enabled: { origin: PAGE } });
    expect(await upgradeStatus(app, NAMED)).toBe(403);
    expect(await upgradeStatus(app, PAGE)).toBe(101);
    const setAgain = await start({ before: { origin: PAGE }, enabled: {} });
    expect(await upgradeStatus(setAgain, PAGE)).toBe(403);
  });

  it('the rule of another application does not apply', async () => {
    await start({ before: { origin: PAGE } });
    expect(await upgradeStatus(await start({}), PAGE)).toBe(403);
  });

  it('the last rule that the application could set applies', async () => {
    const app = await start({ enabled: { origin: NAMED } });
    expect(await upgradeStatus(app, NAMED)).toBe(101);
    const setAgain = (): void => app.enableCors({ origin: PAGE });
    // Fastify accepts no rule once it listens.
    if (HTTP_PLATFORM === 'fastify') expect(setAgain).toThrow('already booted');
    else setAgain();
    expect(await upgradeStatus(app, NAMED)).toBe(HTTP_PLATFORM === 'fastify' ? 101 : 403);
    expect(await upgradeStatus(app, PAGE)).toBe(HTTP_PLATFORM === 'fastify' ? 403 : 101);
  });
});

describe('app.enableCors', () => {
  it('is restored when the application closes', async () => {
    const app = await start({ enabled: { origin: PAGE } });
    expect(Object.getOwnPropertyNames(app)).toContain('enableCors');
    await app.close();
    expect(Object.getOwnPropertyNames(app)).not.toContain('enableCors');
    expect(() => app.enableCors).not.toThrow();
  });

  it('is not overwritten when other code has replaced it', async () => {
    const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(AppModule, http, { logger: false, abortOnError: false });
    const calls: unknown[] = [];
    const replacement = (options: unknown): void => void calls.push(options);
    Object.defineProperty(app, 'enableCors', { value: replacement, configurable: true, writable: true });
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    app.enableCors({ origin: PAGE });
    await app.init();
    expect(calls).toEqual([{ origin: PAGE }]);
    await app.close();
    app.enableCors({ origin: NAMED });
    expect(calls).toEqual([{ origin: PAGE }, { origin: NAMED }]);
  });
});
