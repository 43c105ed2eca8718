import {
  HttpException,
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
  type OnGatewayConnection,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { deferred, until } from '../support/wait.js';
import { describeOurs, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any } from './io-client.js';

let steps: unknown[] = [];
/** What a guard does with a token. */
const OUTCOMES: Record<string, () => boolean | Promise<boolean>> = {
  good: () => true,
  later: () => new Promise((resolve) => setImmediate(() => resolve(true))),
  false: () => false,
  unauthorized: () => {
    throw new UnauthorizedException();
  },
  'with a body': () => {
    throw new HttpException({ code: 'expired', message: 'the token is old' }, 401);
  },
  ws: () => {
    throw new WsException('not you');
  },
  unexpected: () => Promise.reject(new Error('a secret of the server')),
};

@Injectable()
class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const token = client.handshake.auth.token as string;
    steps.push(['guard', client.nsp.name, token]);
    client.user = { id: token };
    return OUTCOMES[token]!();
  }
}

class Guarded extends Settling implements OnGatewayConnection, OnGatewayInit {
  afterInit(server: EnvelopeServer): void {
    server.use((socket, next) => {
      steps.push(['middleware', socket.nsp.name]);
      next();
    });
  }
  handleConnection(client: EnvelopeSocket): void {
    steps.push(['connected', client.nsp.name, client.user]);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    steps.push(['disconnected', client.nsp.name]);
  }
  @SubscribeMessage('user')
  user(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return [client.user];
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway()
class RootGateway extends Guarded {}
@UseGuards(TokenGuard)
@WebSocketGateway({ namespace: '/chat' })
class ChatGateway extends Guarded {}
@WebSocketGateway({ namespace: '/open' })
class OpenGateway extends Guarded {}
@WebSocketGateway({ namespace: '/hook' })
class HookGateway extends Guarded {
  @UseGuards(TokenGuard)
  override handleConnection(client: EnvelopeSocket): void {
    super.handleConnection(client);
  }
}

const providers = [RootGateway, ChatGateway, OpenGateway, HookGateway];

/** The token, the message of the refusal, and its data. */
const REFUSALS: [token: string, message: string, data: Any][] = [
  ['false', 'Forbidden resource', { status: 403 }],
  ['unauthorized', 'Unauthorized', { status: 401, message: 'Unauthorized' }],
  ['with a body', 'the token is old', { status: 401, code: 'expired', message: 'the token is old' }],
  ['ws', 'not you', { status: 401 }],
  ['unexpected', 'Internal server error', { status: 500 }],
];

describeOurs('guards at CONNECT', () => {
  let app: IoApp;
  beforeEach(async () => {
    steps = [];
    app = await startIoApp('ours', { providers });
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    it.each(['good', 'later'])('admit the token "%s", before middlewares', async (token) => {
      const client = await app.connect('/', { transport, auth: { token } });
      expect(steps).toEqual([
        ['guard', '/', token],
        ['middleware', '/'],
        ['connected', '/', { id: token }],
      ]);
      expect(await client.ask('user')).toEqual([[{ id: token }]]);
    });

    it.each(REFUSALS)('refuse the token "%s" with message and data', async (token, message, data) => {
      const client = app.open('/', { transport, auth: { token } });
      const error = await client.refused();
      expect(error.message).toBe(message);
      expect(error.data).toMatchObject(data);
      expect(JSON.stringify(error.data)).not.toContain('secret');
      expect(steps).toEqual([['guard', '/', token]]);
    });

    it('of handleConnection run, too', async () => {
      expect((await app.open('/hook', { transport, auth: { token: 'false' } }).refused()).data).toMatchObject(
        {
          status: 403,
        },
      );
      await app.connect('/hook', { transport, auth: { token: 'good' } });
      expect(steps.at(-1)).toEqual(['connected', '/hook', { id: 'good' }]);
    });

    it('run for each namespace with its own token', async () => {
      const root = await app.connect('/', { transport, auth: { token: 'good' } });
      const refused = root.join('/chat', { auth: { token: 'unauthorized' } });
      expect((await refused.refused()).data).toMatchObject({ status: 401 });
      const open = root.join('/open');
      await open.connected();
      refused.error = undefined;
      refused.socket.auth = { token: 'later' };
      refused.socket.connect();
      await refused.connected();
      expect(await root.ask('user')).toEqual([[{ id: 'good' }]]);
      expect(await refused.ask('user')).toEqual([[{ id: 'later' }]]);
      expect(await open.ask('user')).toEqual([[null]]);
    });

    it('leave no trace of a client that goes while they run', async () => {
      const asked = deferred();
      const decided = deferred<Any>();
      OUTCOMES.slow = () => {
        asked.resolve();
        return decided.promise as Promise<boolean>;
      };
      const open = await app.connect('/open', { transport });
      open.join('/', { auth: { token: 'slow' } });
      await asked.promise;
      open.socket.io.engine.close();
      await until('the end', () => steps.some(([step]: Any) => step === 'disconnected'));
      decided.resolve(true);
      const other = await app.connect('/', { transport, auth: { token: 'good' } });
      await other.settled();
      steps = steps.filter(([step, name]: Any) => step === 'connected' && name === '/');
      expect(steps).toEqual([['connected', '/', { id: 'good' }]]);
    });
  });
});
