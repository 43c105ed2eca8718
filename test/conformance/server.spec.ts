import { declareChecks } from './server/checks.js';
import { Server } from './server/server.js';

/** PROTOCOL.md against a server: ours, or the one at `PROTOCOL_URL` (README.md in this folder says what that needs). */
declareChecks(new Server());
