import { collect, type Check } from '../suite.js';
import { declareEventChecks } from './events.js';
import { declareExceptionChecks } from './exceptions.js';
import { declareHandshakeChecks } from './handshake.js';
import { declareMessageChecks } from './messages.js';
import { declareRecoveryChecks } from './recovery.js';
import type { Server } from './server.js';

/** Returns all checks of PROTOCOL.md against a server. */
export function serverChecks(server: Server): Check[] {
  return collect((suite) => {
    suite.afterEach(() => server.release());
    suite.describe('connecting', () => declareHandshakeChecks(suite, server));
    suite.describe('messages', () => declareMessageChecks(suite, server));
    suite.describe('exceptions', () => declareExceptionChecks(suite, server));
    suite.describe("the protocol's own events", () => declareEventChecks(suite, server));
    suite.describe('recovery', () => declareRecoveryChecks(suite, server));
  });
}
