import { events } from './events.js';
import { exceptions } from './exceptions.js';
import { messages } from './messages.js';
import { opening } from './handshake.js';
import { recovery } from './recovery.js';
import type { Server } from './server.js';

/** Declares all checks of PROTOCOL.md against a server. */
export function declareChecks(server: Server): void {
  describe('opening a line', () => {
    opening(server);
  });
  describe('messages', () => {
    messages(server);
  });
  describe('exceptions', () => {
    exceptions(server);
  });
  describe("the protocol's own events", () => {
    events(server);
  });
  describe('coming back', () => {
    recovery(server);
  });
}
