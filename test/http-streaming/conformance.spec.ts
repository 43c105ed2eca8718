import { httpStreaming } from '../../lib/http-streaming/index.js';
import { serverChecks } from '../../lib/conformance/server/checks.js';
import { declare, ownServer } from '../conformance/declare.js';
import { connectOverHttp } from './bare-socket.js';

/** What differs: there are no subprotocols, and a request takes a token of the message rate beside its messages. */
const DIFFERS = /subprotocols › |^exceptions › rate_limited/;

/** The checks of bare clients, over HTTP: gateways must not see the difference. */
describe('a connection over HTTP conforms to PROTOCOL.md', () => {
  const server = ownServer(undefined, () => connectOverHttp, {
    transports: [httpStreaming()],
    pingTimeout: 200,
  });
  declare(serverChecks(server).filter(({ name }) => !DIFFERS.test(name)));
});
