import { Controller, Get, Header } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { EnvelopeServer } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { Chromium, describeInBrowser } from './chromium.js';

/** Small messages, some that are compressed at once, and some that are compressed off the event loop. */
const texts = [0, 2_000, 100_000, 10, 400_000, 20_000, 1].map(
  (size, index) => `${index}${'ü€ '.repeat(size)}`,
);

@Controller()
class PageController {
  @Get()
  @Header('content-type', 'text/html')
  page(): string {
    return '<!doctype html><link rel="icon" href="data:,"><title>A page</title>';
  }
}

@WebSocketGateway({ path: '/ws' })
class NewsGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly ready: unknown[] = [];

  @SubscribeMessage('ready')
  sendAll(@MessageBody() data: unknown): void {
    this.ready.push(data);
    for (const text of texts) this.server.emit('news', text);
  }
}

describeInBrowser('Chromium', () => {
  let browser: Chromium;
  beforeAll(async () => {
    browser = await Chromium.launch();
  });
  afterAll(() => browser.close());

  it('reads messages that are compressed once for all clients, and compresses its own', async () => {
    const metadata = { controllers: [PageController], providers: [NewsGateway] };
    const app = await startApp(metadata, { adapter: { perMessageDeflate: true } });
    const page = await browser.open();
    await page.goto(`http://127.0.0.1:${app.port}/`);
    const own = 'ü'.repeat(50_000);
    const { extensions, got } = await page.evaluate(
      ({ count, data }) =>
        new Promise<{ extensions: string; got: string[] }>((resolve, reject) => {
          const socket = new WebSocket(`ws://${location.host}/ws`);
          const received: string[] = [];
          socket.onopen = () => socket.send(JSON.stringify({ event: 'ready', data }));
          socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
          socket.onmessage = ({ data: text }: { data: unknown }) => {
            received.push((JSON.parse(text as string) as { data: string }).data);
            if (received.length === count) resolve({ extensions: socket.extensions, got: received });
          };
        }),
      { count: texts.length, data: own },
    );
    expect(extensions).toContain('permessage-deflate');
    expect(got.map((text, index) => text === texts[index])).toEqual(texts.map(() => true));
    const { ready } = app.nest.get(NewsGateway);
    expect(ready[0] === own).toBe(true);
  });
});
