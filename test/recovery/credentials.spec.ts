import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import { connect, type ClientOptions, type ClientSocket } from '../../lib/client/node.js';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

let sockets: EnvelopeSocket[] = [];
beforeEach(() => {
  sockets = [];
});

/** Reads the header, like guards written for HTTP. */
class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    if (client.headers.authorization !== 'Bearer good') throw new UnauthorizedException();
    client.user = { sub: 'ada' };
    return true;
  }
}

@UseGuards(HeaderGuard)
@WebSocketGateway({ path: '/ws' })
class GuardedGateway {
  handleConnection(client: EnvelopeSocket): void {
    sockets.push(client);
  }
}

class BearerSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { headers: { Authorization: 'Bearer good' } });
  }
}

const open: ClientSocket[] = [];
afterEach(() => {
  for (const client of open.splice(0)) client.disconnect();
});

expectNoUnhandledErrors();

describe('a client that reconnects to its session', () => {
  it.each<[string, string, ClientOptions]>([
    ['its URL', '?token=good', {}],
    ['a header', '', { WebSocket: BearerSocket as never }],
    ['its option auth', '', { auth: 'good' }],
    ['its URL, with no token in its option auth', '?token=good', { auth: () => ({ token: null }) }],
  ])('sends the token in %s again', async (_, query, options) => {
    const app = await startApp({ providers: [GuardedGateway] }, { adapter: { recovery: true } });
    const client = connect(`${app.url('/ws')}${query}`, { reconnectionDelay: 10, ...options });
    open.push(client);
    const refusals: unknown[] = [];
    client.on('connect_error', (error) => refusals.push(error));
    await until('the connection', () => client.connected && sockets.length === 1);
    const { id } = client;
    sockets[0]!.ws.terminate();
    await until('the reconnect', () => sockets.length === 2 && client.connected);
    expect(refusals).toEqual([]);
    expect([client.id, client.recovered]).toEqual([id, true]);
    expect(sockets[1]!.handshake.auth['token']).toBe('good');
  });

  it('is refused when it sends only its session', async () => {
    const app = await startApp({ providers: [GuardedGateway] }, { adapter: { recovery: true } });
    let auth: string | undefined = 'good';
    const client = connect(app.url('/ws'), { reconnectionDelay: 10, auth: () => auth });
    open.push(client);
    await until('the connection', () => client.connected && sockets.length === 1);
    auth = undefined;
    const refusals = new Promise((resolve) => client.on('connect_error', resolve));
    sockets[0]!.ws.terminate();
    expect(await refusals).toMatchObject({ status: 401, willReconnect: false });
  });
});
