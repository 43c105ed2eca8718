import { WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

const GOING_AWAY = { code: 1001, reason: 'server shutting down' };

let ready = deferred<void>();
let calls: string[] = [];
beforeEach(() => {
  ready = deferred();
  calls = [];
});

@WebSocketGateway({ path: '/ws', shutdownTimeout: 20_000 })
class SlowGateway {
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    calls.push('connecting');
    await ready.promise;
    calls.push('connected');
    client.emit('welcome');
  }
  handleDisconnect(): void {
    calls.push('disconnected');
  }
}

@WebSocketGateway({ path: '/checked', shutdownTimeout: 20_000 })
class CheckedGateway {
  afterInit(server: EnvelopeServer): void {
    server.use((_client, next) => {
      calls.push('connecting');
      void ready.promise.then(() => next());
    });
  }
  handleConnection(client: EnvelopeSocket): void {
    calls.push('connected');
    client.emit('welcome');
  }
  handleDisconnect(): void {
    calls.push('disconnected');
  }
}

const isShuttingDown = async (app: TestApp): Promise<boolean> =>
  (await requestUpgrade(app.port, '/ws')).status === 503;

expectNoUnhandledErrors();

describe('a shutdown waits until a connection is ready', () => {
  it.each(['/ws', '/checked'])('on %s', async (path) => {
    const app = await startApp({ providers: [SlowGateway, CheckedGateway] });
    const client = await app.connect(path);
    await until('the client is connecting', () => calls.length === 1);
    const closed = app.nest.close();
    await until('new clients are refused', () => isShuttingDown(app));
    ready.resolve();
    await client.next('welcome');
    expect(await client.ended()).toEqual(GOING_AWAY);
    await closed;
    expect(calls).toEqual(['connecting', 'connected', 'disconnected']);
  });
});
