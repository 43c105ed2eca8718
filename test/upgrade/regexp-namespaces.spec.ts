import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Adapter } from 'socket.io-adapter';
import { EnvelopeServer, type EnvelopeOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { askForUpgrade } from '../support/upgrade.js';

@WebSocketGateway({ namespace: /^\/game-\d+$/ })
class GameGateway {
  @SubscribeMessage('echo') echo(data: unknown): unknown {
    return data;
  }
}

@WebSocketGateway({ namespace: /^\/game-\d+$/ })
class CuriousGateway {
  afterInit(server: EnvelopeServer): void {
    server.on('new_namespace', () => {
      throw new Error('the listener failed');
    });
  }
}

/** Checks that answer at once, and in a turn of their own, where what is thrown is nobody's. */
const CHECKS: [string, EnvelopeOptions][] = [
  ['at once', {}],
  ['later', { allowRequest: (_request, callback) => void setImmediate(callback, null, true) }],
];

expectNoUnhandledErrors();

describe.each(CHECKS)('a namespace that a client names, checked %s', (_name, options) => {
  it('is refused with 500, not broken off behind the 101, where its adapter cannot be made', async () => {
    let isAway = true;
    const adapter = (server: EnvelopeServer): Adapter => {
      if (isAway && server.name === '/game-1') throw new Error('the broker is away');
      return new Adapter(server);
    };
    const app = await startApp(
      { providers: [GameGateway] },
      { adapter: { ...options, adapter: adapter as EnvelopeOptions['adapter'] & object } },
    );
    for (let times = 0; times < 2; times++) {
      const { status, body } = await askForUpgrade(app.port, '/game-1');
      expect(status).toBe(500);
      expect(body).not.toContain('broker');
    }
    expect(app.log.of('error').join()).toContain('the broker is away');
    isAway = false;
    const client = await app.connect('/game-1');
    await client.settled();
  });

  it('is there although a listener for new namespaces throws', async () => {
    const app = await startApp({ providers: [CuriousGateway] }, { adapter: options });
    const client = await app.connect('/game-1');
    await client.settled();
    expect(app.log.of('error').join()).toContain('the listener failed');
  });
});
