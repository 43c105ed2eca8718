import { WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade } from '../support/upgrade.js';
import { deferred, until } from '../support/wait.js';

const GOING_AWAY = { code: 1001, reason: 'server shutting down' };

let door = deferred<void>();
let trail: string[] = [];
beforeEach(() => {
  door = deferred();
  trail = [];
});

@WebSocketGateway({ path: '/ws', shutdownTimeout: 20_000 })
class WelcomingGateway {
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    trail.push('arriving');
    await door.promise;
    trail.push('arrived');
    client.emit('welcome');
  }
  handleDisconnect(): void {
    trail.push('left');
  }
}

@WebSocketGateway({ path: '/checked', shutdownTimeout: 20_000 })
class CheckedGateway {
  afterInit(server: EnvelopeServer): void {
    server.use((_client, next) => {
      trail.push('arriving');
      void door.promise.then(() => next());
    });
  }
  handleConnection(client: EnvelopeSocket): void {
    trail.push('arrived');
    client.emit('welcome');
  }
  handleDisconnect(): void {
    trail.push('left');
  }
}

const isShut = async (app: TestApp): Promise<boolean> =>
  (await askForUpgrade(app.port, '/ws')).status === 503;

expectNoUnhandledErrors();

describe('a shutdown lets a connection become ready', () => {
  it.each(['/ws', '/checked'])('on %s', async (path) => {
    const app = await startApp({ providers: [WelcomingGateway, CheckedGateway] });
    const client = await app.connect(path);
    await until('the client is on its way', () => trail.length === 1);
    const closed = app.nest.close();
    await until('nobody gets in any more', () => isShut(app));
    door.resolve();
    await client.next('welcome');
    expect(await client.ended()).toEqual(GOING_AWAY);
    await closed;
    expect(trail).toEqual(['arriving', 'arrived', 'left']);
  });
});
