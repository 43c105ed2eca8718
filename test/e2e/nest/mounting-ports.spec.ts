import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type GatewayOptions } from '../../../lib/index.js';
import { startApp, type TestApp } from '../../support/app.js';
import { selfSigned } from '../../support/certificate.js';
import { TestClient } from '../../support/client.js';
import { expectNoUnhandledErrors } from '../../support/unhandled-errors.js';
import { askForUpgrade, freePort } from '../../support/upgrade.js';
import { until } from '../../support/wait.js';

class Where {
  @WebSocketServer() server!: EnvelopeServer;
  @SubscribeMessage('where')
  where(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return { gateway: this.constructor.name, name: client.nsp.name, secure: client.handshake.secure };
  }
}

/** A gateway that is decorated when the port is known. */
function gateway(name: string, port: number | GatewayOptions, options?: GatewayOptions): Type<Where> {
  const type = { [name]: class extends Where {} }[name]!;
  const decorate = typeof port === 'number' ? WebSocketGateway(port, options) : WebSocketGateway(port);
  decorate(type);
  return type;
}

const where = async (app: TestApp, path: string, port?: number): Promise<unknown> =>
  (await (await app.connect(path, port === undefined ? {} : { port })).ask('where')).data;

expectNoUnhandledErrors();

describe('ports', () => {
  it("are the gateway's own, as the decorator's argument or inside its options", async () => {
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
    expect((await askForUpgrade(second, '/')).status).toBe(404);
    expect((await askForUpgrade(second, '/ws')).status).toBe(404);
    expect((await askForUpgrade(app.port, '/chat')).status).toBe(404);

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

  it('answer plain HTTP requests, and are free again after the application closed', async () => {
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

  it("are the adapter's where a gateway names none", async () => {
    const [everybody, own] = [await freePort(), await freePort()];
    const app = await startApp(
      { providers: [gateway('Nameless', { path: '/ws' }), gateway('Named', own)] },
      { adapter: { port: everybody } },
    );
    expect(await where(app, '/ws', everybody)).toMatchObject({
      gateway: 'Nameless',
      name: `:${everybody}/ws`,
    });
    expect(await where(app, '/', own)).toMatchObject({ gateway: 'Named' });
    // nobody listens for upgrades on the application's: it answers as it does to any request
    expect((await askForUpgrade(app.port, '/ws')).status).toBe(404);
  });

  it('that are taken are told of, and the rest of the application goes on', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const app = await startApp({
        providers: [gateway('Unlucky', port), gateway('Lucky', { path: '/ws' })],
      });
      await until('the error', () => app.log.of('error').length > 0);
      expect(app.log.of('error')).toEqual([
        expect.stringContaining(`port ${port} cannot be reached: listen EADDRINUSE`),
      ]);
      expect(await where(app, '/ws')).toMatchObject({ gateway: 'Lucky' });
      await app.nest.close();
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('may speak TLS', async () => {
    const app = await startApp({ providers: [gateway('Secure', { path: '/ws' })] }, { https: selfSigned() });
    const client = new TestClient(`wss://127.0.0.1:${app.port}/ws`, { rejectUnauthorized: false });
    await client.opened();
    expect((await client.ask('where')).data).toEqual({ gateway: 'Secure', name: '/ws', secure: true });
    client.close();
    await client.ended();
  });
});
