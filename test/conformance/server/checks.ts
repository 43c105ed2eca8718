import { declareEventChecks } from './events.js';
import { declareExceptionChecks } from './exceptions.js';
import { declareMessageChecks } from './messages.js';
import { declareHandshakeChecks } from './handshake.js';
import { declareRecoveryChecks } from './recovery.js';
import type { Server } from './server.js';

/** Declares all checks of PROTOCOL.md against a server. */
export function declareChecks(server: Server): void {
  describe('connecting', () => {
    declareHandshakeChecks(server);
  });
  describe('messages', () => {
    declareMessageChecks(server);
  });
  describe('exceptions', () => {
    declareExceptionChecks(server);
  });
  describe("the protocol's own events", () => {
    declareEventChecks(server);
  });
  describe('recovery', () => {
    declareRecoveryChecks(server);
  });
}
