import { parse } from 'yaml';
import type { Contract } from '../../lib/contract/index.js';
import { mountExplorer } from '../../lib/explorer/explorer-mount.js';
import { PAGE } from '../../lib/explorer/page.js';
import type { TestApp } from '../support/app.js';
import { CONTRACT, startChat, theContract } from './chat.js';

const get = (app: TestApp, path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${app.port}${path}`, { redirect: 'manual', ...init });

describe('the routes of the explorer', () => {
  it('serve the contract as JSON and as YAML', async () => {
    const app = await startChat();
    const [json, yaml] = [await get(app, '/ws-docs/asyncapi.json'), await get(app, '/ws-docs/asyncapi.yaml')];
    expect([json.status, json.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(await json.json()).toEqual(CONTRACT);
    expect([yaml.status, yaml.headers.get('content-type')]).toEqual([200, 'application/yaml; charset=utf-8']);
    expect(parse(await yaml.text())).toEqual(CONTRACT);
  });

  it('serve a page whose policy allows only its files', async () => {
    const app = await startChat();
    const page = await get(app, '/ws-docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'; connect-src 'self'",
    );
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    const html = await page.text();
    expect(html).not.toMatch(/<style|style=|https?:\/\/|<script(?! type="module" src=)|\son\w+=/);
    const links = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link!);
    expect(links).toContain('./ws-docs/app.js');
    for (const link of links) {
      const file = await get(app, new URL(link, `http://127.0.0.1:${app.port}/ws-docs`).pathname);
      expect([link, file.status]).toEqual([link, 200]);
    }
  });

  it('serve scripts, styles and images with their content types and without cookies', async () => {
    const app = await startChat();
    const types: Record<string, string> = {
      js: 'text/javascript; charset=utf-8',
      css: 'text/css; charset=utf-8',
      svg: 'image/svg+xml',
      html: 'text/html; charset=utf-8',
    };
    for (const [name, body] of Object.entries(PAGE)) {
      const path = name === 'index.html' ? '/ws-docs/' : `/ws-docs/${name}`;
      const file = await get(app, path);
      const type = types[name.split('.').at(-1)!]!;
      expect([name, file.headers.get('content-type')?.startsWith(type)]).toEqual([name, true]);
      expect(file.headers.get('set-cookie')).toBeNull();
      expect(await file.text()).toBe(body);
    }
  });

  it('work with a trailing slash and below a path of several segments', async () => {
    const app = await startChat((app) => mountExplorer('/docs/ws/', app, theContract, undefined));
    expect(await (await get(app, '/docs/ws')).text()).toContain('src="./ws/app.js"');
    for (const path of ['/docs/ws/', '/docs/ws/?theme=dark']) {
      const page = await get(app, path);
      expect(page.status).toBe(200);
      expect(await page.text()).toContain('src="./app.js"');
    }
    expect((await get(app, '/docs/ws/app.js')).status).toBe(200);
  });

  it('ignore the global prefix of the application', async () => {
    const app = await startChat((app) => {
      app.setGlobalPrefix('api');
      mountExplorer('ws-docs', app, theContract, undefined);
    });
    expect((await get(app, '/ws-docs')).status).toBe(200);
    expect((await get(app, '/api/ws-docs')).status).toBe(404);
  });

  it('answer HEAD without a body', async () => {
    const app = await startChat();
    for (const path of ['/ws-docs', '/ws-docs/app.js', '/ws-docs/asyncapi.json']) {
      const [head, whole] = [await get(app, path, { method: 'HEAD' }), await get(app, path)];
      expect([path, head.status, await head.text()]).toEqual([path, 200, '']);
      for (const name of ['content-type', 'content-length', 'content-security-policy'])
        expect([name, head.headers.get(name)]).toEqual([name, whole.headers.get(name)]);
    }
  });

  it('leave all other paths to the application', async () => {
    const app = await startChat();
    for (const path of ['/ws-docs/nothing', '/ws-docs/../package.json', '/ws-docs/%2e%2e/x', '/ws-docsx']) {
      const answer = await get(app, path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(await answer.json()).toMatchObject({ statusCode: 404 });
    }
    expect((await get(app, '/ws-docs', { method: 'POST' })).status).toBe(404);
  });

  it('allow the page to connect to the ports of gateways only', async () => {
    const servers = {
      'port-3006': { host: 'localhost:3006', protocol: 'ws' },
      production: { host: 'ws.example.com', protocol: 'wss' },
      'port-1': { host: "x; script-src 'unsafe-inline'", protocol: 'ws' },
    };
    const app = await startChat((app) =>
      mountExplorer('ws-docs', app, async () => ({ ...(await theContract()), servers }), undefined),
    );
    const policy = (await get(app, '/ws-docs')).headers.get('content-security-policy');
    expect(policy?.split('; ').at(-1)).toBe("connect-src 'self' ws://*:3006 wss://*:3006");
  });

  it('create the contract once, at the first request', async () => {
    let times = 0;
    const contract = (): Promise<Contract> => {
      times++;
      return theContract();
    };
    const app = await startChat((app) => mountExplorer('ws-docs', app, contract, undefined));
    expect(times).toBe(0);
    await get(app, '/ws-docs/asyncapi.json');
    await get(app, '/ws-docs/asyncapi.yaml');
    expect(times).toBe(1);
  });

  it('serve the page even if the contract cannot be created, and log the error', async () => {
    const contract = (): Promise<never> => Promise.reject(new Error('two classes are called Dto'));
    const app = await startChat((app) => mountExplorer('ws-docs', app, contract, undefined));
    expect((await get(app, '/ws-docs')).status).toBe(200);
    const answer = await get(app, '/ws-docs/asyncapi.json');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ statusCode: 500, message: 'Error: two classes are called Dto' });
    expect(app.log.of('error').join()).toContain('two classes are called Dto');
  });
});
