import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Adapter } from 'socket.io-adapter';
import { EnvelopeServer, type EnvelopeOptions } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

@WebSocketGateway({ namespace: /^\/game-\d+$/ })
class GameGateway {
  @SubscribeMessage('echo') echo(data: unknown): unknown {
    return data;
  }
}

@WebSocketGateway({ namespace: /^\/game-\d+$/ })
class ListeningGateway {
  afterInit(server: EnvelopeServer): void {
    server.on('new_namespace', () => {
      throw new Error('the listener failed');
    });
  }
}

/** A check that answers at once, and one that answers later, where no caller can catch an error. */
const CHECKS: [string, EnvelopeOptions][] = [
  ['at once', {}],
  ['later', { allowRequest: (_request, callback) => void setImmediate(callback, null, true) }],
];

expectNoUnhandledErrors();

describe.each(CHECKS)(
  'a namespace that a client requests, with a check that answers %s',
  (_name, options) => {
    it('is refused with 500 before the 101 when its adapter cannot be created', async () => {
      let isUnreachable = true;
      const adapter = (server: EnvelopeServer): Adapter => {
        if (isUnreachable && server.name === '/game-1') throw new Error('the broker is unreachable');
        return new Adapter(server);
      };
      const app = await startApp(
        { providers: [GameGateway] },
        { adapter: { ...options, adapter: adapter as EnvelopeOptions['adapter'] & object } },
      );
      for (let times = 0; times < 2; times++) {
        const { status, body } = await requestUpgrade(app.port, '/game-1');
        expect(status).toBe(500);
        expect(body).not.toContain('broker');
      }
      expect(app.log.of('error').join()).toContain('the broker is unreachable');
      isUnreachable = false;
      const client = await app.connect('/game-1');
      await client.settled();
    });

    it('is created even if a new_namespace listener throws', async () => {
      const app = await startApp({ providers: [ListeningGateway] }, { adapter: options });
      const client = await app.connect('/game-1');
      await client.settled();
      expect(app.log.of('error').join()).toContain('the listener failed');
    });
  },
);
