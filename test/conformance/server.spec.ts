import { serverChecks } from '../../lib/conformance/server/checks.js';
import { declare, ownServer } from './declare.js';

/** PROTOCOL.md against our own server. For others: `npx nestjs-envelope conformance --url …`. */
describe('PROTOCOL.md and our server', () => {
  declare(serverChecks(ownServer()));
});
