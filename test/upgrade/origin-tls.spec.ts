import { connect } from 'node:tls';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { selfSigned } from '../support/certificate.js';
import { TestClient, type ConnectOptions } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class AddressGateway {
  @SubscribeMessage('address')
  address(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return { ip: client.ip, secure: client.handshake.secure };
  }
}

const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ providers: [AddressGateway] }, { adapter, https: selfSigned() });

const clients: TestClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.ws.terminate();
});

/** Connects over TLS and returns what the server sees. */
async function open(app: TestApp, options: ConnectOptions): Promise<unknown> {
  const client = new TestClient(`wss://127.0.0.1:${app.port}/ws`, { rejectUnauthorized: false, ...options });
  clients.push(client);
  await client.opened();
  return (await client.ask('address')).data;
}

expectNoUnhandledErrors();

describe('an application that serves TLS itself', () => {
  it('accepts its own page', async () => {
    const app = await start();
    expect(await open(app, { origin: `https://127.0.0.1:${app.port}` })).toEqual({
      ip: '127.0.0.1',
      secure: true,
    });
    expect(await open(app, {})).toMatchObject({ secure: true });
    for (const Host of ['chat.example', 'chat.example:443'])
      await open(app, { origin: 'https://chat.example', headers: { Host } });
  });

  it('refuses a page of the same host without TLS, which anyone on the network path could have changed', async () => {
    const app = await start();
    await expect(open(app, { origin: `http://127.0.0.1:${app.port}` })).rejects.toThrow('403');
    for (const Host of ['chat.example', 'chat.example:80', 'chat.example:443'])
      await expect(open(app, { origin: 'http://chat.example', headers: { Host } })).rejects.toThrow('403');
  });

  it('refuses a page of another host or port', async () => {
    const app = await start();
    for (const origin of ['https://evil.example', 'https://127.0.0.1', 'https://127.0.0.1:1', 'null'])
      await expect(open(app, { origin })).rejects.toThrow('403');
  });

  it('ignores forwarded headers without a trusted proxy', async () => {
    const app = await start();
    const headers = {
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-For': '203.0.113.66',
    };
    expect(await open(app, { headers })).toEqual({ ip: '127.0.0.1', secure: true });
    for (const origin of ['http://evil.example', `http://127.0.0.1:${app.port}`])
      await expect(open(app, { origin, headers })).rejects.toThrow('403');
  });

  it('takes the scheme of the client from a trusted proxy that connects over TLS', async () => {
    const app = await start({ trustProxy: 'loopback' });
    const forwarded = (proto: string): Record<string, string> => ({
      'X-Forwarded-Proto': proto,
      'X-Forwarded-Host': 'chat.example',
    });
    expect(await open(app, { origin: 'http://chat.example', headers: forwarded('http') })).toMatchObject({
      secure: false,
    });
    expect(await open(app, { origin: 'https://chat.example', headers: forwarded('https') })).toMatchObject({
      secure: true,
    });
    await expect(open(app, { origin: 'http://chat.example', headers: forwarded('https') })).rejects.toThrow(
      '403',
    );
    expect(await open(app, { origin: `https://127.0.0.1:${app.port}` })).toMatchObject({ secure: true });
  });

  it('passes secure to verifyClient', async () => {
    const received: boolean[] = [];
    const app = await start({ verifyClient: ({ secure }: { secure: boolean }) => received.push(secure) > 0 });
    await open(app, {});
    expect(received).toEqual([true]);
  });

  it('frees the slot after an unfinished handshake or a broken connection', async () => {
    const app = await start({ limits: { maxConnectionsPerAddress: 1 } });
    const half = connect({ port: app.port, host: '127.0.0.1', rejectUnauthorized: false });
    half.on('error', () => undefined);
    await new Promise((resolve) => half.once('secureConnect', resolve));
    half.write('GET /ws HTTP/1.1\r\nHost: chat.example\r\nConnection: Upg');
    await open(app, {}); // A client that has not sent its request has no slot yet.
    await expect(open(app, {})).rejects.toThrow('429');
    for (const { ws } of clients) ws.terminate();
    const canConnect = (): Promise<boolean> =>
      open(app, {}).then(
        () => true,
        () => false,
      );
    await until('a free slot', canConnect);
    half.destroy(); // Node's server waits for a request that has started.
  });
});
