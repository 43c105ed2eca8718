import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { startApp, type TestApp } from '../support/app.js';

class NobodyGuard {
  canActivate(): boolean {
    return false;
  }
}

const start = (path = 'ws-docs'): Promise<TestApp> =>
  startApp(
    { providers: [] },
    { before: (app) => EnvelopeExplorer.setup(path, app, { admin: { guards: [NobodyGuard] } }) },
  );
const get = (app: TestApp, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${app.port}${path}`, { redirect: 'manual' });

describe('the page of the console', () => {
  const environment = process.env.NODE_ENV;
  afterEach(() => {
    process.env.NODE_ENV = environment;
  });

  it('loads only its own files, with and without a trailing slash, below any path', async () => {
    for (const path of ['ws-docs', '/docs/ws/']) {
      const app = await start(path);
      const base = `/${path.replace(/^\/|\/$/g, '')}/console`;
      for (const address of [base, `${base}/`]) {
        const page = await get(app, address);
        expect([address, page.status]).toEqual([address, 200]);
        expect(page.headers.get('content-security-policy')).toBe(
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
            "form-action 'none'; frame-ancestors 'none'; connect-src 'self'",
        );
        const html = await page.text();
        expect(html).not.toMatch(/<style|style=|https?:\/\/|<script(?! type="module" src=)|\son\w+=/);
        const links = [...html.matchAll(/(?:href|src)="(\.[^"]+)"/g)].map(([, link]) => link!);
        expect(links).toHaveLength(8);
        for (const link of links) {
          const { pathname } = new URL(link, `http://127.0.0.1:${app.port}${address}`);
          expect([pathname, (await get(app, pathname)).status]).toEqual([pathname, 200]);
        }
      }
    }
  });

  it('imports files that exist, also in production, where the contract is not served', async () => {
    process.env.NODE_ENV = 'production';
    const app = await start();
    expect((await get(app, '/ws-docs')).status).toBe(404);
    const settings = (await (await get(app, '/ws-docs/console/settings.json')).json()) as object;
    expect(settings).toMatchObject({ hasExplorer: false });
    const waiting = ['/ws-docs/console/app.js'];
    const seen = new Set<string>();
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      const file = await get(app, path);
      expect([path, file.status, file.headers.get('content-type')]).toEqual([
        path,
        200,
        'text/javascript; charset=utf-8',
      ]);
      for (const [, name] of (await file.text()).matchAll(/^import .* from '(.+)';$/gm))
        waiting.push(new URL(name!, `http://localhost${path}`).pathname);
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it('is not served without the option, and the explorer links to it only where it is', async () => {
    const hasConsole = async (app: TestApp): Promise<unknown> =>
      ((await (await get(app, '/ws-docs/protocol.json')).json()) as { hasConsole: boolean }).hasConsole;
    const without = await startApp({}, { before: (app) => EnvelopeExplorer.setup('ws-docs', app) });
    for (const path of ['/ws-docs/console', '/ws-docs/console/app.js', '/ws-docs/console/settings.json'])
      expect([path, (await get(without, path)).status]).toEqual([path, 404]);
    expect(await hasConsole(without)).toBe(false);
    expect(await hasConsole(await start())).toBe(true);
  });
});
