import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketGateway } from '@nestjs/websockets';
import type { AddressInfo } from 'node:net';
import { EnvelopeAdapter, type Cors, type EnvelopeOptions } from '../../lib/index.js';
import { LogBook } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade } from '../support/upgrade.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';

const PAGE = 'https://page.example';
const NAMED = 'https://named.example';
const OTHER = 'https://other.example';

@WebSocketGateway({ path: '/ws' })
class PlainGateway {}

@WebSocketGateway({ path: '/strict', cors: { origin: NAMED } })
class StrictGateway {}

@WebSocketGateway({ path: '/shut', cors: false })
class ShutGateway {}

@Module({ providers: [PlainGateway, StrictGateway, ShutGateway] })
class AppModule {}

interface Setting {
  /** The option of `NestFactory.create`. */
  factory?: Cors;
  /** Given to `app.enableCors` before the adapter is there. */
  before?: Cors;
  /** Given to `app.enableCors` once the adapter is there. */
  enabled?: Cors;
  /** Options of the adapter. */
  adapter?: EnvelopeOptions;
}

const apps: INestApplication[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** As a `main.ts` does it: the application is behind the Proxy that `NestFactory` puts around it. */
async function start({ factory, before, enabled, adapter }: Setting): Promise<INestApplication> {
  const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, http, {
    logger: new LogBook(),
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

/** The status of an upgrade that a page of this origin asks for. */
async function knock(app: INestApplication, origin: string, path = '/ws'): Promise<number> {
  return (await askForUpgrade(portOf(app), path, { Origin: origin })).status;
}

/** What an HTTP route tells a page of this origin: that it may read, and with the user's cookies. */
async function readAs(app: INestApplication, origin: string): Promise<(string | null)[]> {
  const { headers } = await fetch(`http://127.0.0.1:${portOf(app)}/`, { headers: { origin } });
  return ['access-control-allow-origin', 'access-control-allow-credentials'].map((name) => headers.get(name));
}

const asFunction = (origin: string | undefined, callback: (error: null, allowed: boolean) => void): void =>
  callback(null, origin === PAGE);

/** Rules that are safe for a socket, which always carries cookies. */
const opening: [string, Cors][] = [
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
  ['a delegate that gives a name', (_request, callback) => callback(null, { origin: PAGE })],
  [
    'a delegate that gives a rule with credentials',
    (request, callback) => callback(null, { origin: request.headers.origin === PAGE, credentials: true }),
  ],
];

/** Rules that open an API to everybody, and those that open nothing. */
const keeping: [string, Cors][] = [
  ['false', false],
  ['true', true],
  ['nothing', {}],
  ['no origin, with credentials', { credentials: true }],
  ['an asterisk', { origin: '*' }],
  ['an asterisk, with credentials', { origin: '*', credentials: true }],
  ['an asterisk in a list, with credentials', { origin: [PAGE, '*'], credentials: true }],
  ['true, without credentials', { origin: true }],
  ['a RegExp without credentials', { origin: /page\.example$/ }],
  ['a list with a RegExp, without credentials', { origin: [PAGE, /example$/] }],
  ['a function without credentials', { origin: asFunction as never }],
  ['an async function without credentials', { origin: async () => true }],
  ['a delegate that gives an asterisk', (_request, callback) => callback(null, { origin: '*' })],
  ['a delegate that gives nothing', (_request, callback) => callback(null)],
  ['a delegate that fails', (_request, callback) => callback(new Error('no database'))],
  ['another name', { origin: OTHER }],
];

expectNoUnhandledErrors();

describe.each(['factory', 'before', 'enabled'] as const)("the application's own rule, %s", (where) => {
  it.each(opening)('opens the socket: %s', async (_name, cors) => {
    const app = await start({ [where]: cors });
    expect(await knock(app, PAGE)).toBe(101);
    expect(await knock(app, PAGE)).toBe(101);
    expect(await knock(app, 'https://page.example.evil.example')).toBe(
      typeof cors === 'object' && cors.origin === true ? 101 : 403,
    );
  });

  it.each(keeping)('leaves it to the own origin: %s', async (_name, cors) => {
    const app = await start({ [where]: cors });
    expect(await knock(app, PAGE)).toBe(403);
    expect(await knock(app, `http://127.0.0.1:${portOf(app)}`)).toBe(101);
  });

  it('goes on to hold for HTTP', async () => {
    const app = await start({ [where]: { origin: [NAMED], credentials: true } });
    expect(await readAs(app, NAMED)).toEqual([NAMED, 'true']);
    expect((await readAs(app, OTHER))[0]).toBeNull();
  });
});

describe('of several rules', () => {
  const everywhere = { factory: { origin: PAGE }, adapter: { cors: { origin: OTHER } } };

  it("the gateway's wins", async () => {
    const app = await start(everywhere);
    expect(await knock(app, NAMED, '/strict')).toBe(101);
    expect(await knock(app, OTHER, '/strict')).toBe(403);
    expect(await knock(app, PAGE, '/strict')).toBe(403);
    for (const origin of [NAMED, OTHER, PAGE]) expect(await knock(app, origin, '/shut')).toBe(403);
  });

  it("then the adapter's, a wildcard too, since it is meant for the socket", async () => {
    const app = await start(everywhere);
    expect(await knock(app, OTHER)).toBe(101);
    expect(await knock(app, PAGE)).toBe(403);
    const open = await start({ adapter: { cors: true } });
    expect(await knock(open, PAGE)).toBe(101);
    expect(await knock(open, PAGE, '/strict')).toBe(403);
    const shut = await start({ factory: { origin: PAGE }, adapter: { cors: false } });
    expect(await knock(shut, PAGE)).toBe(403);
  });

  // Fastify registers its plugin once
  const withExpress = HTTP_PLATFORM === 'express' ? it : it.skip;
  withExpress("then the application's, the last of two", async () => {
    const app = await start({ before: { origin: NAMED }, enabled: { origin: PAGE } });
    expect(await knock(app, NAMED)).toBe(403);
    expect(await knock(app, PAGE)).toBe(101);
    const again = await start({ before: { origin: PAGE }, enabled: {} });
    expect(await knock(again, PAGE)).toBe(403);
  });

  it('is that of the application itself, not of another one', async () => {
    await start({ before: { origin: PAGE } });
    expect(await knock(await start({}), PAGE)).toBe(403);
  });

  it("then the application's, the last that it could set", async () => {
    const app = await start({ enabled: { origin: NAMED } });
    expect(await knock(app, NAMED)).toBe(101);
    const again = (): void => app.enableCors({ origin: PAGE });
    // Fastify takes no rule once it listens
    if (HTTP_PLATFORM === 'fastify') expect(again).toThrow('already booted');
    else again();
    expect(await knock(app, NAMED)).toBe(HTTP_PLATFORM === 'fastify' ? 101 : 403);
    expect(await knock(app, PAGE)).toBe(HTTP_PLATFORM === 'fastify' ? 403 : 101);
  });
});

describe('app.enableCors', () => {
  it('is the own method again once the application is closed', async () => {
    const app = await start({ enabled: { origin: PAGE } });
    expect(Object.getOwnPropertyNames(app)).toContain('enableCors');
    await app.close();
    expect(Object.getOwnPropertyNames(app)).not.toContain('enableCors');
    expect(() => app.enableCors).not.toThrow();
  });

  it('keeps what somebody else put in its place', async () => {
    const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(AppModule, http, { logger: false, abortOnError: false });
    const calls: unknown[] = [];
    const others = (options: unknown): void => void calls.push(options);
    Object.defineProperty(app, 'enableCors', { value: others, configurable: true, writable: true });
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    app.enableCors({ origin: PAGE });
    await app.init();
    expect(calls).toEqual([{ origin: PAGE }]);
    await app.close();
    app.enableCors({ origin: NAMED });
    expect(calls).toEqual([{ origin: PAGE }, { origin: NAMED }]);
  });
});
