import { connectInProcess } from '../support/in-process.js';
import { declareChecks } from './server/checks.js';
import { Server } from './server/server.js';

/** The checks of bare clients, over a connection without WebSocket and TCP: gateways must not see the difference. */
describe('an in-process connection', () => {
  declareChecks(
    new Server(
      undefined,
      (app) => (url, protocols, options) => connectInProcess(app, url, protocols, options),
    ),
  );
});
