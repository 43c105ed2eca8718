import type { Type } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { ClientSocket } from '../../lib/client/index.js';
import { messagePack } from '../../lib/msgpack/index.js';
import { startApp } from '../support/app.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { pageSite } from './page-site.js';

/** A global of the page. */
declare const socket: ClientSocket;

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>A page with bytes</title>
<script type="module">
  import { connect, messagePack } from '/page.js';
  window.socket = connect('/files', { codec: messagePack() });
  document.body.append('ready');
</script>
`;

@WebSocketGateway({ path: '/files' })
class Files {
  @SubscribeMessage('upload')
  upload(@MessageBody() { name, bytes }: { name: string; bytes: Buffer }): unknown {
    return { name, size: bytes.length, reversed: Buffer.from(bytes).reverse() };
  }
}

describeInBrowser('MessagePack in Chromium', () => {
  let chromium: Chromium | undefined;
  let Site: Type;
  beforeAll(async () => {
    Site = await pageSite(PAGE, 'test/browser/msgpack-page.ts');
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());

  it('sends the bytes of a Blob, and receives a Uint8Array', async () => {
    const app = await startApp(
      { controllers: [Site], providers: [Files] },
      { adapter: { encodings: [messagePack()] } },
    );
    const page = await chromium!.open();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`http://127.0.0.1:${app.port}/`);
    await page.getByText('ready').waitFor();
    const answer = await page.evaluate(async () => {
      const bytes = await new Blob([new Uint8Array(100_000).fill(3), new Uint8Array([1, 2])]).arrayBuffer();
      const { name, size, reversed } = await socket.emitWithAck('upload', { name: 'ü€', bytes });
      return { name, size, kind: reversed.constructor.name, first: [...reversed.subarray(0, 3)] };
    });
    expect(answer).toEqual({ name: 'ü€', size: 100_002, kind: 'Uint8Array', first: [2, 1, 3] });
    const refused = await page.evaluate(() => {
      try {
        socket.emit('upload', new Blob([]));
        return 'sent';
      } catch (error) {
        return String(error);
      }
    });
    expect(refused).toContain('"upload" cannot be sent: data is a Blob');
    await page.context().close();
    expect(problems).toEqual([]);
  });
});
