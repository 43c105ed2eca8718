import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { Controller, Get, Sse, StreamableFile, type MessageEvent } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { EnvelopeModule, EnvelopeServer, InjectEnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { BareGateway } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

@Controller()
class FeedController {
  constructor(@InjectEnvelopeServer('/ws') private readonly server: EnvelopeServer) {}

  @Sse('sse', { maxPendingDataLength: 1_000_000 })
  sse(): Observable<MessageEvent> {
    const messages = this.server.in('red').messages();
    return messages.pipe(map(({ event, data }) => ({ type: event, data: data as object })));
  }

  @Get('lines')
  lines(): StreamableFile {
    const lines = Readable.from(this.read(), { objectMode: false });
    return new StreamableFile(lines, { type: 'text/event-stream' });
  }

  private async *read(): AsyncGenerator<string> {
    const messages = this.server.in('red').messages({ maxBuffered: 20 });
    yield ':\n\n'; // sends the headers
    for await (const { event, data } of messages) yield `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}

const LARGE = { text: 'x'.repeat(100_000) };
/** More than the buffers of the operating system take. */
const MOST = 1_000;

describe.each(['sse', 'lines'])('messages() by the route /%s', (path) => {
  let app: TestApp;
  let server: EnvelopeServer;
  beforeEach(async () => {
    app = await startApp({
      imports: [EnvelopeModule.forRoot({})],
      providers: [BareGateway],
      controllers: [FeedController],
    });
    server = app.nest.get(BareGateway).server;
  });
  const isObserved = (): boolean => server.adapter.rooms.has('red');

  /** Requests the feed. Nothing is read before the caller does. */
  async function feed(): Promise<IncomingMessage> {
    const call = request({ port: app.port, path: `/${path}` });
    call.on('error', () => undefined);
    call.end();
    const answered = once(call, 'response');
    await until('the subscription', isObserved);
    server.to('red').emit('first', {});
    return ((await answered) as [IncomingMessage])[0];
  }

  it('reaches a client that reads', async () => {
    const response = await feed();
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    response.on('error', () => undefined);
    server.to('red').emit('second', { id: 7 });
    await until('both', () => text.includes('{"id":7}'));
    expect(text.match(/^event: \w+$/gm)).toEqual(['event: first', 'event: second']);
    expect(response.headers['content-type']).toContain('text/event-stream');
    response.destroy();
    // the loop sees it with the next message
    await until('the end', () => (server.to('red').emit('last', {}), !isObserved()));
  });

  it('ends for a client that stops reading, before it takes much memory', async () => {
    const response = await feed();
    response.on('error', () => undefined);
    let sent = 0;
    while (isObserved() && sent < MOST) {
      sent++;
      server.to('red').emit('large', LARGE);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isObserved()).toBe(false);
    expect(sent).toBeLessThan(MOST);
    // the client learns it when it reads
    const aborted = new Promise((resolve) => response.once('close', resolve));
    response.resume();
    await aborted;
    expect(response.complete).toBe(false);
  });
});
