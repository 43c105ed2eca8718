import { WebSocketGateway } from '@nestjs/websockets';
import { observe, type EnvelopeOptions } from '../../lib/index.js';
import { socketIO } from '../../lib/socketio/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';

@WebSocketGateway({ path: '/ws' })
class TalkGateway {}

const FOREIGN = { Origin: 'https://evil.example' };

describe('the address of a refused upgrade', () => {
  const published: unknown[] = [];
  let stop: () => void;

  beforeEach(() => {
    published.length = 0;
    stop = observe('upgrade.refuse', ({ why, address, isShared }) =>
      published.push([why, address, ...(isShared ? ['shared'] : [])]),
    );
  });
  afterEach(() => stop());

  const start = (adapter: EnvelopeOptions): Promise<TestApp> =>
    startApp({ providers: [TalkGateway] }, { adapter });
  const refused = async (
    app: TestApp,
    path: string,
    headers: Record<string, string> = {},
  ): Promise<unknown> => {
    await requestUpgrade(app.port, path, headers);
    return published.pop();
  };

  it('is the one behind a trusted proxy, whatever refuses, and of IPv6 the network', async () => {
    const app = await start({ trustProxy: 'loopback', transports: [socketIO()] });
    const { operations } = app.adapter;
    const forwarded = { 'X-Forwarded-For': '198.51.100.9, 203.0.113.7' };
    expect(await refused(app, '/ws', { ...forwarded, ...FOREIGN })).toEqual(['origin', '203.0.113.7']);
    expect(await refused(app, '/nowhere', forwarded)).toEqual(['path', '203.0.113.7']);
    expect(await refused(app, '/ws', { ...forwarded, 'Sec-WebSocket-Version': '7' })).toEqual([
      'handshake',
      '203.0.113.7',
    ]);
    // not known before the address is read
    expect(await refused(app, '/ws', { ...forwarded, Host: 'a b' })).toEqual(['handshake', '203.0.113.7']);
    expect(await refused(app, '/socket.io/?EIO=4&transport=websocket&sid=none', forwarded)).toEqual([
      undefined,
      '203.0.113.7',
    ]);
    const v6 = { 'X-Forwarded-For': '2001:db8::1:2', ...FOREIGN };
    expect(await refused(app, '/ws', v6)).toEqual(['origin', '2001:db8:0:0::/64']);
    operations.block({ address: '203.0.113.7' }, { duration: 60_000 });
    expect(await refused(app, '/ws', forwarded)).toEqual(['blocked', '203.0.113.7']);
    await operations.drain();
    expect(await refused(app, '/ws', forwarded)).toEqual(['draining', '203.0.113.7']);
    expect(published).toEqual([]);
  });

  it('is that of the peer if no proxy is trusted, and says whether the peer looks like a proxy', async () => {
    const forwarded = { 'X-Forwarded-For': '203.0.113.7', ...FOREIGN };
    const direct = await start({ trustProxy: false });
    expect(await refused(direct, '/ws', forwarded)).toEqual(['origin', '127.0.0.1']);
    const unconfigured = await start({});
    expect(await refused(unconfigured, '/ws', FOREIGN)).toEqual(['origin', '127.0.0.1']);
    expect(await refused(unconfigured, '/ws', forwarded)).toEqual(['origin', '127.0.0.1', 'shared']);
  });

  it('is not known if the function of the application throws', async () => {
    const app = await start({
      trustProxy: () => {
        throw new Error('no list of proxies');
      },
    });
    expect(await refused(app, '/ws')).toEqual([undefined, undefined]);
    expect(await refused(app, '/nowhere')).toEqual(['path', undefined]);
  });
});
