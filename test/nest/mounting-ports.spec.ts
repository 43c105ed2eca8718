import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type GatewayOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { selfSigned } from '../support/certificate.js';
import { TestClient } from '../support/client.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, freePort } from '../support/upgrade.js';
import { until } from '../support/wait.js';

class Where {
  @WebSocketServer() server!: EnvelopeServer;
  @SubscribeMessage('where')
  where(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return { gateway: this.constructor.name, name: client.nsp.name, secure: client.handshake.secure };
  }
}

/** Returns a gateway that is decorated after the port is known. */
function gateway(name: string, port: number | GatewayOptions, options?: GatewayOptions): Type<Where> {
  const type = { [name]: class extends Where {} }[name]!;
  const decorate = typeof port === 'number' ? WebSocketGateway(port, options) : WebSocketGateway(port);
  decorate(type);
  return type;
}

const where = async (app: TestApp, path: string, port?: number): Promise<unknown> =>
  (await (await app.connect(path, port === undefined ? {} : { port })).ask('where')).data;

expectNoUnhandledErrors();

describe('gateway ports', () => {
  it('can be an argument of the decorator or one of its options', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const types = [
      gateway('Argument', first),
      gateway('ArgumentAndPath', first, { path: '/ws' }),
      gateway('ArgumentAndNamespace', first, { path: '/ws', namespace: 'chat' }),
      gateway('Option', { port: second, namespace: 'chat' }),
      gateway('Application', { path: '/ws' }),
    ];
    const app = await startApp({ providers: types });
    const secure = false;
    expect(await where(app, '/', first)).toEqual({ gateway: 'Argument', name: `:${first}/`, secure });
    expect(await where(app, '/ws', first)).toEqual({
      gateway: 'ArgumentAndPath',
      name: `:${first}/ws`,
      secure,
    });
    expect(await where(app, '/ws/chat', first)).toMatchObject({ gateway: 'ArgumentAndNamespace' });
    expect(await where(app, '/chat', second)).toEqual({ gateway: 'Option', name: `:${second}/chat`, secure });
    expect(await where(app, '/ws')).toEqual({ gateway: 'Application', name: '/ws', secure });
    expect((await requestUpgrade(second, '/')).status).toBe(404);
    expect((await requestUpgrade(second, '/ws')).status).toBe(404);
    expect((await requestUpgrade(app.port, '/chat')).status).toBe(404);

    const server = app.nest.get(types[4]!).server;
    expect(server.of(`:${first}/ws`)).toBe(app.nest.get(types[1]!).server);
    expect(server.of('/ws')).toBe(server);
    expect(app.nest.get(types[0]!).server.of('/ws').name).toBe(`:${first}/ws`);

    const bound = app.log.of('log').filter((line) => line.startsWith('bound'));
    expect(bound).toHaveLength(3);
    expect(bound).toContain(`bound 1 gateway on 127.0.0.1:${app.port}`);
    expect(bound).toContainEqual(expect.stringMatching(new RegExp(`^bound 3 gateways on .*:${first}$`)));
    expect(bound).toContainEqual(expect.stringMatching(new RegExp(`^bound 1 gateway on .*:${second}$`)));
  });

  it('answer plain HTTP requests and are free after the application has closed', async () => {
    const port = await freePort();
    const app = await startApp({ providers: [gateway('Own', port)] });
    const client = await app.connect('/', { port });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(426);
    await app.nest.close();
    expect((await client.ended()).code).toBe(1001);
    const again = createServer();
    await new Promise<void>((resolve, reject) => again.once('error', reject).listen(port, resolve));
    await new Promise((resolve) => again.close(resolve));
  });

  it('default to the port of the adapter', async () => {
    const [shared, own] = [await freePort(), await freePort()];
    const app = await startApp(
      { providers: [gateway('WithoutPort', { path: '/ws' }), gateway('WithPort', own)] },
      { adapter: { port: shared } },
    );
    expect(await where(app, '/ws', shared)).toMatchObject({
      gateway: 'WithoutPort',
      name: `:${shared}/ws`,
    });
    expect(await where(app, '/', own)).toMatchObject({ gateway: 'WithPort' });
    // No gateway uses the port of the application: an upgrade gets the answer of any request.
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(404);
  });

  it('are logged when occupied, and other gateways keep working', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const app = await startApp({
        providers: [gateway('Occupied', port), gateway('Other', { path: '/ws' })],
      });
      await until('the error', () => app.log.of('error').length > 0);
      expect(app.log.of('error')).toEqual([
        expect.stringContaining(`port ${port} cannot be reached: listen EADDRINUSE`),
      ]);
      expect(await where(app, '/ws')).toMatchObject({ gateway: 'Other' });
      await app.nest.close();
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('can use TLS', async () => {
    const app = await startApp({ providers: [gateway('Secure', { path: '/ws' })] }, { https: selfSigned() });
    const client = new TestClient(`wss://127.0.0.1:${app.port}/ws`, { rejectUnauthorized: false });
    await client.opened();
    expect((await client.ask('where')).data).toEqual({ gateway: 'Secure', name: '/ws', secure: true });
    client.close();
    await client.ended();
  });
});
