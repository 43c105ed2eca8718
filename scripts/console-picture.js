// Draws docs/console.png with Chromium: npm run docs:console. The page is the one of the package, and its figures are invented
// (test/browser/console-picture.ts), so that the picture is the same on every machine with the same fonts.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { WebSocketServer } from 'ws';

const root = join(import.meta.dirname, '..');
const page = join(root, 'lib/explorer/page');
const VIEWPORT = { width: 1360, height: 1080 };
/** Milliseconds between two requests of the page. */
const INTERVAL = 5;
const TYPES = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** Compiles the figures, which are in TypeScript, and loads them. */
async function loadFigures() {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'test/browser/console-picture.ts')],
    bundle: true,
    format: 'esm',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
}

/** Answers the requests of the page. `shown` resolves when the page has shown the last overview: it asks for another one. */
function answerRequests(server, { hello, overviewAt, STEPS }) {
  const { promise: shown, resolve } = deferred();
  new WebSocketServer({ server }).on('connection', (socket) => {
    let step = 0;
    socket.on('message', (text) => {
      const { event, id } = JSON.parse(text);
      if (event === 'overview' && step === STEPS) return resolve();
      const data = event === 'hello' ? hello(INTERVAL) : overviewAt(++step);
      socket.send(JSON.stringify({ event, data, ack: id }));
    });
  });
  return shown;
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

function fileOf(path, settings) {
  if (path === '/console') return ['text/html', readFileSync(join(page, 'console/index.html'))];
  if (path === '/console/settings.json') return [TYPES['.json'], JSON.stringify(settings)];
  return [TYPES[extname(path)], readFileSync(join(page, path))];
}

const figures = await loadFigures();
const server = createServer(({ url }, response) => {
  try {
    const [type, body] = fileOf(new URL(url, 'http://localhost').pathname, figures.SETTINGS);
    response.setHeader('Content-Type', type).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
const shown = answerRequests(server, figures);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const context = await browser.newContext({ viewport: VIEWPORT, timezoneId: 'UTC', colorScheme: 'light' });
  const tab = await context.newPage();
  await tab.clock.setFixedTime(figures.NOW);
  await tab.goto(`http://127.0.0.1:${server.address().port}/console`);
  await shown;
  await tab.screenshot({ path: join(root, 'docs/console.png'), animations: 'disabled' });
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
