import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { PageGateway } from '../react/gateway.js';
import { startApp } from '../support/app.js';
import { Child } from '../support/child.js';
import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { Chromium, describeInBrowser } from './chromium.js';

declare function dispatchEvent(event: Event): void;

const ROOT = process.cwd();
/** What the browser writes when a connection breaks. */
const CONNECTION_ERROR = /^WebSocket connection to .* failed: /;

const FILES = {
  'index.html': `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>A page</title>
<div id="root"></div><script type="module" src="/main.jsx"></script>`,
  'hooks.js': `import { createEnvelopeHooks } from 'nestjs-envelope/react';
export const { EnvelopeProvider, useConnectionState, useSubscription } = createEnvelopeHooks();
export const version = 'a';`,
  'main.jsx': `import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.jsx';
const root = createRoot(document.getElementById('root'));
root.render(<StrictMode><App /></StrictMode>);
addEventListener('unmount', () => root.unmount());`,
  'app.jsx': `import { useState } from 'react';
import { EnvelopeProvider } from './hooks.js';
import { Watched } from './item.jsx';
const QUICK = { reconnectionDelay: 20, reconnectionDelayMax: 100 };
export function App() {
  const [id, setId] = useState(1);
  return <EnvelopeProvider url="/page" options={QUICK}>
    <button onClick={() => setId(id + 1)}>next</button>
    {id < 3 && <Watched id={id} />}
  </EnvelopeProvider>;
}`,
  'item.jsx': `import { useConnectionState, useSubscription, version } from './hooks.js';
export function Watched({ id }) {
  const state = useConnectionState();
  const { data } = useSubscription('watch', { id }, {
    leave: 'unwatch',
    on: { changed: (item, changed) => (changed.id === item.id ? changed : item) },
  });
  return <output>{version + ' one: ' + (data ? data.id + '.' + data.version : '-') + ' ' + state}</output>;
}`,
};

describeInBrowser('a page of React and Vite in Chromium', () => {
  let chromium: Chromium | undefined;
  let network: FaultyNetwork | undefined;
  let folder = '';

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());
  afterEach(() => {
    network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(): Promise<{
    page: Page;
    gateway: PageGateway;
    line: FaultyNetwork;
    problems: string[];
  }> {
    const app = await startApp({ providers: [PageGateway] });
    network = await FaultyNetwork.to(app.port);
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'react-page-')));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
    const vite = await Child.start('vite-server');
    const port = await vite.ask<number>('serve', folder, `ws://127.0.0.1:${network.port}`);
    const page = await chromium!.open();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      const isProblem = ['error', 'warning'].includes(message.type());
      if (isProblem && !CONNECTION_ERROR.test(message.text())) problems.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${port}/`);
    return { page, gateway: app.nest.get(PageGateway), line: network, problems };
  }

  it('subscribes once under StrictMode, and survives cuts and hot reload', async () => {
    const { page, gateway, line, problems } = await open();
    await page.getByText('a one: 1.1 open').waitFor();
    expect(gateway.log).toEqual(['watch 1']);
    expect(gateway.clients).toHaveLength(1);

    // hot reload: first the component, then the module that makes the hooks
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
    writeFileSync(join(folder, 'item.jsx'), FILES['item.jsx'].replace('one: ', 'two: '));
    await page.getByText('a two: 1.1 open').waitFor();
    gateway.change(1);
    await page.getByText('a two: 1.2 open').waitFor();
    writeFileSync(join(folder, 'hooks.js'), FILES['hooks.js'].replace("'a'", "'b'"));
    await page.getByText('b two: 1.2 open').waitFor();
    gateway.change(1);
    await page.getByText('b two: 1.3 open').waitFor();
    expect(await page.evaluate(() => Reflect.get(globalThis, 'isSamePage'))).toBe(true);
    // each reload asks for the data once more, on the same connection
    expect(gateway.log).toEqual(['watch 1', 'watch 1', 'watch 1']);
    expect(gateway.clients).toHaveLength(1);

    await page.context().setOffline(true);
    line.cut();
    await page.getByText(/b two: 1.3 (waiting|connecting)/).waitFor();
    gateway.change(1);
    await page.context().setOffline(false);
    await page.getByText('b two: 1.4 open').waitFor();
    expect(gateway.log.splice(0)).toHaveLength(4);
    // on `online`, the client replaces an attempt that began before, and on a slow machine that may have reached the server
    await until('one connection', () => gateway.clients.filter(({ connected }) => connected).length === 1);

    await page.getByRole('button').click();
    await page.getByText('b two: 2.4 open').waitFor();
    await until('the end of the first', () => gateway.log.includes('unwatch 1'));
    await page.getByRole('button').click();
    await until('the end of the second', () => gateway.log.includes('unwatch 2'));
    expect(gateway.log).toEqual(['watch 2', 'unwatch 1', 'unwatch 2']);
    await page.evaluate(() => dispatchEvent(new Event('unmount')));
    await until('the end of the connection', () => !gateway.last.connected);
    expect(gateway.last.closed).toMatchObject({ code: 1000 });
    expect(problems).toEqual([]);
  });
});
