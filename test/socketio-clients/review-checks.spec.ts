import { connect, type Socket } from 'node:net';
import { socketIO } from '../../lib/socketio/index.js';
import type { EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';
import { RootGateway } from './attack.js';
import { ask, PollingClient, send, SocketClient } from './raw-engine.js';

type OriginFunction = (origin: string, callback: (error: Error | null, allowed?: boolean) => void) => unknown;

const start = (origin: OriginFunction, adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp(
    { providers: [RootGateway] },
    { adapter: { cors: { origin }, transports: [socketIO()], ...adapter } },
  );

const Origin = 'http://elsewhere';

describe('a rule for origins', () => {
  expectNoUnhandledErrors();

  it.each(['polling', 'websocket'])('may allow a client of %s that has gone', async (transport) => {
    const asked = deferred<Socket>();
    const decided = deferred();
    const cors: EnvelopeOptions['cors'] = ({ socket }, callback) => {
      asked.resolve(socket);
      void decided.promise.then(() => callback(null, { origin: true }));
    };
    const app = await start(() => false, { cors });
    const tcp = connect(app.port, '127.0.0.1');
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n`;
    tcp.write(
      `GET /socket.io/?EIO=4&transport=${transport} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: ${Origin}\r\n` +
        `${transport === 'websocket' ? upgrade : ''}\r\n`,
    );
    const socket = await asked.promise;
    tcp.resetAndDestroy();
    await new Promise((resolve) => socket.once('close', resolve));
    decided.resolve();
    // another request, behind the decision
    expect((await ask(app.port, { query: { sid: 'unknown' } })).status).toBe(400);
    expect(countResources(app)).toMatchObject({ connections: 0, pending: 0 });
  });

  it.each([
    ['allows it twice', (_, callback) => [callback(null, true), callback(null, true)]],
    ['allows and refuses it', (_, callback) => [callback(null, true), callback(new Error('no'))]],
    [
      'allows it and throws',
      (_, callback) => {
        callback(null, true);
        throw new Error('late');
      },
    ],
    [
      'allows it and rejects',
      async (_, callback) => {
        callback(null, true);
        await Promise.reject(new Error('late'));
      },
    ],
  ] as [string, OriginFunction][])('decides once where it %s', async (_, origin) => {
    const app = await start(origin);
    for (const open of [PollingClient.open, SocketClient.open]) {
      const client = await open(app.port, { Origin });
      expect(await client.join()).toMatch(/^40\{/);
      expect(countResources(app)).toMatchObject({ connections: 1, pending: 0 });
      await client.leave();
      await until('the client to leave', () => countResources(app)['connections'] === 0);
    }
  });

  it('has as much time as the upgrade of a WebSocket', async () => {
    const app = await start(() => new Promise(() => undefined), { limits: { upgradeTimeout: 100 } });
    expect((await ask(app.port, { headers: { Origin } })).status).toBe(503);
    await expect(SocketClient.open(app.port, { Origin })).rejects.toThrow('503');
    // one that has gone meanwhile
    const { request, answer } = send(app.port, { headers: { Origin } });
    request.destroy();
    await expect(answer).rejects.toThrow('socket hang up');
  });
});
