import { clientChecks } from '../../lib/conformance/client/checks.js';
import { CLIENTS } from './clients.js';
import { declare } from './declare.js';

declare const NEST_MAJOR: 11 | 12;

// a client without Nest is the same on both majors
const clients = CLIENTS.filter(({ isOurs }) => isOurs || NEST_MAJOR === 12);

describe.each(clients)('PROTOCOL.md and a client: $name', ({ describe: describeClient, make }) => {
  describeClient('a scripted server', () => {
    declare(clientChecks(make));
  });
});
