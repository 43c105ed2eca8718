import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { IsInstance, IsString } from 'class-validator';
import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { messagePack } from '../../lib/msgpack/index.js';
import { startApp } from '../support/app.js';
import { Chromium, describeInBrowser } from './chromium.js';
import { Explorer } from './explorer.js';

class FileDto {
  @IsString() name!: string;
  @IsInstance(Uint8Array) content!: Uint8Array;
}

@WebSocketGateway({ path: '/files' })
class FilesGateway {
  @SubscribeMessage('reverse')
  reverse(@MessageBody() { name, content }: FileDto): FileDto {
    return { name, content: Buffer.from(content).reverse() };
  }

  @SubscribeMessage('read')
  read(): Buffer {
    return Buffer.from('hello');
  }
}

describeInBrowser('bytes in the explorer', () => {
  let chromium: Chromium | undefined;
  let explorer: Explorer;

  beforeAll(async () => {
    chromium = await Chromium.launch();
  });
  afterAll(() => chromium?.close());
  afterEach(async () => {
    await explorer.page.context().close();
    expect([...explorer.problems, ...explorer.foreignRequests]).toEqual([]);
  });

  async function open(adapter: object, route: string): Promise<void> {
    const app = await startApp(
      { providers: [FilesGateway] },
      {
        adapter,
        before: (nest) => EnvelopeExplorer.setup('ws-docs', nest, { title: 'Files', version: '1' }),
      },
    );
    explorer = await new Explorer(await chromium!.open(), app).open(route);
  }

  it('are sent from an example, and shown as JSON, with MessagePack', async () => {
    await open({ encodings: [messagePack()] }, '#/files/reverse');
    await explorer.expectText('.schema .type', 'bytes');
    await explorer.page.check('#packed');
    await explorer.connect();
    await explorer.expectText('.note', 'as envelope.v1+msgpack');
    await explorer.send();
    const answer = explorer.frame('in', 'reverse');
    await answer.getByText('{"name":"text","content":{"$bytes":"b2xsZWg="}}').waitFor();
    // the size is that of the frame, and not of the text that is shown
    await answer.locator('summary').click();
    const shown = await answer.locator('pre').textContent();
    const size = Number.parseInt((await answer.locator('.size').textContent())!);
    expect(JSON.parse(shown!)).toMatchObject({ data: { content: { $bytes: 'b2xsZWg=' } } });
    expect(size).toBeLessThan(shown!.length);
  });

  it('are text without MessagePack, and not sent', async () => {
    await open({ encodings: [messagePack()] }, '#/files/reverse');
    await explorer.connect();
    await explorer.expectText('#obstacle', 'JSON has no bytes');
    expect(await explorer.page.locator('#send').isDisabled()).toBe(true);
    await explorer.choose('read');
    await explorer.send();
    await explorer.frame('in', 'read').getByText('"aGVsbG8="').waitFor();
  });

  it('have no field in the form of a server without MessagePack', async () => {
    await open({}, '#/files/reverse');
    expect(await explorer.page.locator('#versioned').isVisible()).toBe(true);
    expect(await explorer.page.locator('#packed').isVisible()).toBe(false);
  });
});
