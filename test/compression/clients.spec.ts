import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { EnvelopeServer } from '../../lib/index.js';
import { startSharedApp, type TestApp } from '../support/app.js';

const run = promisify(execFile);

/** Messages of all kinds: small ones, some that are compressed at once, and some that are compressed off the event loop. */
const SIZES = [0, 3, 2_000, 100_000, 10, 20_000, 2_000, 0];
const expected = SIZES.map((size, index) => `${index}${'ü€ '.repeat(size)}`);

/** A program that prints the data of the messages as JSON, and sends one message itself. */
const NODE = `
const socket = new WebSocket(process.argv[1]);
const got = [];
socket.onopen = () => socket.send(JSON.stringify({ event: 'ready', data: 'x'.repeat(5_000) }));
socket.onmessage = ({ data }) => {
  if (got.push(JSON.parse(data).data) < ${SIZES.length}) return;
  console.log(JSON.stringify({ extensions: socket.extensions, got }));
  socket.close();
};
`;
const AIOHTTP = `
import aiohttp, asyncio, json, sys
async def main():
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(sys.argv[1], compress=int(sys.argv[2])) as socket:
            await socket.send_str(json.dumps({'event': 'ready', 'data': 'x' * 5000}))
            got = [(await socket.receive_json())['data'] for _ in range(${SIZES.length})]
            extensions = socket._response.headers.get('Sec-WebSocket-Extensions')
            print(json.dumps({'extensions': extensions, 'got': got}))
asyncio.run(main())
`;
const PYTHON = '/usr/bin/python3';

function hasAiohttp(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import aiohttp'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Skips the test with a message where aiohttp is not installed. In CI it fails instead. */
const itWithAiohttp = hasAiohttp() || process.env.CI === 'true' ? it : skip();

function skip(): typeof it.skip {
  process.stderr.write('No aiohttp (apt-get install python3-aiohttp): its tests are skipped\n');
  return it.skip;
}

/** What a program has printed. */
interface Printed {
  extensions: string;
  got: string[];
}

@WebSocketGateway({ path: '/ws' })
class NewsGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly ready: number[] = [];

  @SubscribeMessage('ready')
  sendAll(@MessageBody() data: string): void {
    this.ready.push(data.length);
    for (const text of expected) this.server.emit('news', text);
  }
}

describe('compressed messages are read by', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startSharedApp({ providers: [NewsGateway] }, { adapter: { perMessageDeflate: true } });
  });
  afterAll(() => app.close());

  it.each<[string, object]>([
    ['ws', {}],
    ['ws with a small window', { serverMaxWindowBits: 9 }],
    ['ws without context', { serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ])('%s', async (_, perMessageDeflate) => {
    const client = await app.connect('/ws', { perMessageDeflate });
    expect(client.ws.extensions).toBe('permessage-deflate');
    client.send({ event: 'ready', data: 'x'.repeat(5_000) });
    for (const text of expected) expect((await client.next('news')).data === text).toBe(true);
    client.ws.terminate();
  });

  async function expectToRead(file: string, args: readonly string[]): Promise<void> {
    const { ready } = app.nest.get(NewsGateway);
    ready.length = 0;
    const { stdout } = await run(file, [...args], { timeout: 100_000, maxBuffer: 16_000_000 });
    const { extensions, got } = JSON.parse(stdout) as Printed;
    expect(extensions).toContain('permessage-deflate');
    expect(got.map((text, index) => text === expected[index])).toEqual(expected.map(() => true));
    expect(ready).toEqual([5_000]);
  }

  it('the WebSocket of Node', () =>
    expectToRead(process.execPath, ['--experimental-websocket', '-e', NODE, app.url('/ws')]));

  itWithAiohttp.each([15, 9])('aiohttp with a window of %i bits', (bits) =>
    expectToRead(PYTHON, ['-c', AIOHTTP, app.url('/ws'), String(bits)]),
  );
});
