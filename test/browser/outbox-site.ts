import { join } from 'node:path';
import { Controller, Get, Header } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { bundleClient } from '../../scripts/client-bundle.js';
import { Once } from '../../lib/once/index.js';

export interface Emits {
  message: (data: unknown) => void;
}

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A page with an outbox</title>
<script>
  const lacks = new URLSearchParams(location.search).getAll('without');
  if (lacks.includes('locks')) Object.defineProperty(navigator, 'locks', { value: undefined });
  if (lacks.includes('indexedDB')) Object.defineProperty(window, 'indexedDB', { value: undefined });
</script>
<script type="module">
  import { connect, indexedDbOutbox, reliable } from '/page.js';
  const { searchParams } = new URL(location.href);
  window.reports = [];
  window.socket = connect('ws://127.0.0.1:' + searchParams.get('port') + '/ws', {
    reconnectionDelay: 20,
    reconnectionDelayMax: 50,
  });
  window.start = (name, options) => {
    window.outbox ??= indexedDbOutbox(name);
    window.send = reliable(socket, {
      retries: 1_000,
      retryDelay: 5,
      outbox,
      onOutboxError: (error) => reports.push(error.code + ' ' + error.message),
      ...options,
    });
  };
  window.textsOf = (from, to) => {
    for (let i = from; i < to; i++) send.emit('message', i);
  };
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  window.stored = async (name = 'chat') => {
    const request = indexedDB.open('nestjs-envelope/' + name);
    // must not be created here
    request.onupgradeneeded = () => request.transaction.abort();
    const database = await done(request).catch(() => undefined);
    if (database === undefined) return [];
    const all = await done(database.transaction('messages').objectStore('messages').getAll());
    database.close();
    return all;
  };
  window.tamper = async (entries) => {
    const database = await done(indexedDB.open('nestjs-envelope/chat'));
    const transaction = database.transaction('messages', 'readwrite');
    for (const [key, value] of entries) transaction.objectStore('messages').put(value, key);
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
  };
  window.remove = () => done(indexedDB.deleteDatabase('nestjs-envelope/chat'));
  window.occupy = async () => (await done(indexedDB.open('nestjs-envelope/chat', 5))).close();
  document.body.append('ready');
</script>
`;

/** Serves a page with a client and an outbox. */
@Controller()
export class Site {
  private static bundle = '';
  static async build(): Promise<void> {
    Site.bundle = await bundleClient(join(process.cwd(), 'test/browser/outbox-page.ts'));
  }

  @Get('/')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }
  @Get('/page.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(): string {
    return Site.bundle;
  }
}

/** Notes what it handles. */
@WebSocketGateway({ path: '/ws' })
export class Chat {
  readonly handled: unknown[] = [];
  gate = Promise.resolve();

  @Once()
  @SubscribeMessage('message')
  async message(@MessageBody() data: unknown): Promise<void> {
    this.handled.push(data);
    await this.gate;
  }
}
