import { events } from './server/events.js';
import { exceptions } from './server/exceptions.js';
import { messages } from './server/messages.js';
import { opening } from './server/opening.js';
import { recovery } from './server/recovery.js';
import { Server } from './server/server.js';

/** PROTOCOL.md against a server: ours, or the one at `PROTOCOL_URL` (README.md in this folder says what that needs). */
const server = new Server();

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
