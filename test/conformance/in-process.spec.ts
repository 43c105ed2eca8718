import type { IncomingMessage } from 'node:http';
import { observe } from '../../lib/index.js';
import { connectInProcess } from '../support/in-process.js';
import { startFixture } from './fixture.js';
import { serverChecks } from '../../lib/conformance/server/checks.js';
import { declare, ownServer } from './declare.js';

/** The checks of bare clients, over a connection without WebSocket and TCP: gateways must not see the difference. */
describe('an in-process connection', () => {
  declare(
    serverChecks(
      ownServer(
        undefined,
        (app) => (url, protocols, options) => connectInProcess(app, url, protocols, options),
      ),
    ),
  );

  it('is refused for a foreign origin, which the diagnostics channel shows', async () => {
    const app = await startFixture();
    const refused: { request: IncomingMessage; status: number }[] = [];
    const stop = observe('upgrade.refuse', (message) => refused.push(message));
    try {
      const client = connectInProcess(app, app.url('/protocol'), [], {
        headers: { origin: 'https://attacker.example' },
      });
      const status = await new Promise((resolve) =>
        client.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode)),
      );
      expect(status).toBe(403);
      expect(refused).toMatchObject([{ status: 403, request: { url: '/protocol' } }]);
    } finally {
      stop();
      await app.close();
    }
  });
});
