import type { CanActivate } from '@nestjs/common';
import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { EnvelopeAdapter } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { Admin, AdminGuard, Admins, ChatGateway, credentials, startConsole } from './console-fixture.js';

const PATH = '/ws-docs/console/live';

const statusOf = async (app: TestApp, headers: Record<string, string> = {}): Promise<number> =>
  (await requestUpgrade(app.port, PATH, headers)).status;
const as = (name: string): Record<string, string> => ({
  'Sec-WebSocket-Protocol': credentials(name).join(', '),
});

describe('access to the console', () => {
  const environment = process.env.NODE_ENV;
  afterEach(() => {
    process.env.NODE_ENV = environment;
  });

  it('exists only with the option admin', async () => {
    const app = await startApp(
      { providers: [ChatGateway] },
      { before: (nest) => EnvelopeExplorer.setup('ws-docs', nest) },
    );
    expect(await statusOf(app)).toBe(404);
    expect((await fetch(`http://127.0.0.1:${app.port}/ws-docs/console`)).status).toBe(404);
  });

  it('needs a guard', async () => {
    const setup = (admin: object): Promise<TestApp> => startConsole(admin);
    for (const guards of [[], undefined, AdminGuard])
      await expect(setup({ guards })).rejects.toThrow(
        /EnvelopeExplorer\.setup: admin\.guards is .*: it takes a list of at least one guard/,
      );
    for (const admin of [null, true, [AdminGuard]])
      await expect(
        startApp(
          { providers: [Admins, ChatGateway] },
          { before: (nest) => EnvelopeExplorer.setup('ws-docs', nest, { admin: admin as never }) },
        ),
      ).rejects.toThrow('EnvelopeExplorer.setup: admin is');
    await expect(setup({ guards: [Admins] })).rejects.toThrow('classes or objects with canActivate()');
    await expect(setup({ readonly: true })).rejects.toThrow('Did you mean "readOnly"?');
    await expect(setup({ payloads: 'yes' })).rejects.toThrow(
      'EnvelopeExplorer.setup: admin.payloads is "yes": it takes true or false',
    );
  });

  it('runs the guards before the connection opens', async () => {
    const app = await startConsole();
    expect(await statusOf(app)).toBe(403);
    expect(await statusOf(app, as('eve'))).toBe(403);
    expect(await statusOf(app, as('ada'))).toBe(101);
    const admin = await Admin.connect(app);
    expect(await admin.ask('hello')).toEqual({
      node: expect.any(String) as string,
      user: 'ada',
      readOnly: false,
      payloads: false,
      interval: 2_000,
      maxRows: 100,
    });
    expect(app.log.of('log')).toContain(`Serves the console on ${PATH}, with the guards AdminGuard`);
  });

  it('logs a refused sign-in with its address, and no connection without credentials', async () => {
    const app = await startConsole({}, { adapter: { trustProxy: 'loopback' } });
    expect(await statusOf(app)).toBe(403);
    expect(app.log.of('warn')).toEqual([]);
    for (let index = 0; index < 7; index++)
      expect(await statusOf(app, { ...as('eve'), 'X-Forwarded-For': '203.0.113.7' })).toBe(403);
    expect(app.log.of('warn')).toEqual(
      Array(5).fill(`${PATH}: a guard refused a sign-in from 203.0.113.7 with 403`),
    );
  });

  it('runs the guards again at each request', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const admins = app.nest.get(Admins);
    admins.names.delete('ada');
    for (const event of ['hello', 'overview', 'connections', 'audit'])
      expect(await admin.refusal(event)).toMatchObject({ code: 'forbidden' });
    admins.names.add('ada');
    expect(await admin.ask('hello')).toMatchObject({ user: 'ada' });
  });

  it('needs all guards', async () => {
    const second: CanActivate = { canActivate: () => false };
    const app = await startConsole({ guards: [AdminGuard, second] });
    expect(await statusOf(app, as('ada'))).toBe(403);
  });

  it('is refused where a guard cannot be created, and says so at the start', async () => {
    class Lonely implements CanActivate {
      constructor(readonly missing: Missing) {}
      canActivate(): boolean {
        return true;
      }
    }
    Reflect.defineMetadata('design:paramtypes', [Missing], Lonely);
    const app = await startConsole({ guards: [Lonely] });
    expect(await statusOf(app, as('ada'))).toBe(500);
    expect(app.log.of('error').join()).toContain('admin.guards: Lonely cannot be created');
  });

  it('is refused to pages of other origins', async () => {
    const app = await startConsole();
    expect(await statusOf(app, { ...as('ada'), Origin: 'https://evil.example' })).toBe(403);
    expect(await statusOf(app, { ...as('ada'), Origin: `http://127.0.0.1:${app.port}` })).toBe(101);
  });

  it('is refused to them also where a wildcard opens the gateways, and not where they are named', async () => {
    const foreign = { ...as('ada'), Origin: 'https://evil.example' };
    const { port } = await startApp({ providers: [ChatGateway] }, { adapter: { cors: true } });
    expect((await requestUpgrade(port, '/ws', foreign)).status).toBe(101);
    for (const cors of [true, { origin: '*' }, { origin: true }, { origin: false }]) {
      const app = await startConsole({}, { adapter: { cors } });
      expect([cors, await statusOf(app, foreign)]).toEqual([cors, 403]);
    }
    const app = await startConsole({}, { adapter: { cors: { origin: ['https://admin.example'] } } });
    expect(await statusOf(app, foreign)).toBe(403);
    expect(await statusOf(app, { ...as('ada'), Origin: 'https://admin.example' })).toBe(101);
  });

  it('is possible in production, where the contract is not served, and not when disabled', async () => {
    process.env.NODE_ENV = 'production';
    const app = await startConsole();
    expect(await statusOf(app, as('ada'))).toBe(101);
    expect((await fetch(`http://127.0.0.1:${app.port}/ws-docs/asyncapi.json`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${app.port}/ws-docs/console`)).status).toBe(200);
    const disabled = await startApp(
      { providers: [Admins, ChatGateway] },
      {
        before: (nest) =>
          EnvelopeExplorer.setup('ws-docs', nest, { enabled: false, admin: { guards: [AdminGuard] } }),
      },
    );
    expect(await statusOf(disabled, as('ada'))).toBe(404);
  });

  it('does not depend on whether the adapter is set before or after', async () => {
    const app = await startApp(
      { providers: [Admins, ChatGateway] },
      {
        createAdapter: (nest, options) => {
          const adapter = new EnvelopeAdapter(nest, options);
          EnvelopeExplorer.setup('ws-docs', nest, { admin: { guards: [AdminGuard] } });
          return adapter;
        },
      },
    );
    expect(await statusOf(app, as('ada'))).toBe(101);
  });

  it('leaves the main server, the contract and the close of the application as they are', async () => {
    const app = await startApp(
      { providers: [Admins, ChatGateway] },
      { before: (nest) => EnvelopeExplorer.setup('ws-docs', nest, { admin: { guards: [AdminGuard] } }) },
    );
    expect(app.adapter._servers().map(({ name }) => name)).toEqual(['/ws']);
    const contract = await (await fetch(`http://127.0.0.1:${app.port}/ws-docs/asyncapi.json`)).text();
    expect(contract).not.toContain('console');
    const admin = await Admin.connect(app);
    await app.nest.close();
    expect(await admin.client.ended()).toMatchObject({ code: 1001 });
  });
});

class Missing {}
