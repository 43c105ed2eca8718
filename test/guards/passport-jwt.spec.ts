import { jest } from '@jest/globals';
import { Injectable, UnauthorizedException, UseGuards, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { asRequest, carriers, tokens, withJwt } from '../support/jwt.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

let connected: unknown[] = [];
beforeEach(() => {
  connected = [];
});

/** Guards the whole gateway. */
@UseGuards(AuthGuard('jwt'))
@WebSocketGateway({ path: '/ws' })
class JwtGateway {
  handleConnection(client: EnvelopeSocket): void {
    connected.push(client.user);
    client.expiresAt = client.user.exp * 1000;
  }
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user;
  }
}

/** Guards only the upgrade. */
@WebSocketGateway({ path: '/hook' })
class HookGateway {
  @UseGuards(AuthGuard('jwt'))
  handleConnection(client: EnvelopeSocket): void {
    connected.push(client.user);
  }
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user;
  }
}

/** Guards only one message. */
@WebSocketGateway({ path: '/open' })
class OpenGateway {
  @UseGuards(AuthGuard('jwt'))
  @SubscribeMessage('secret')
  secret(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user.sub;
  }
  @SubscribeMessage('public')
  public(): string {
    return 'public';
  }
}

/** Extends the guard like applications do. */
@Injectable()
class CustomGuard extends AuthGuard('jwt') {
  override getRequest(context: ExecutionContext): unknown {
    return context.switchToWs().getClient();
  }
  override handleRequest<User>(error: unknown, user: User, info: Error | undefined): User {
    if (!user) throw error ?? new UnauthorizedException(info?.message ?? 'no token');
    return user;
  }
}
@UseGuards(CustomGuard)
@WebSocketGateway({ path: '/custom' })
class CustomGateway {
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user.sub;
  }
}

/** Its first strategy does not exist. */
@UseGuards(AuthGuard(['none', 'jwt']))
@WebSocketGateway({ path: '/unknown' })
class UnknownStrategyGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

const gateways = [JwtGateway, HookGateway, OpenGateway, CustomGateway, UnknownStrategyGateway];
const start = (): Promise<TestApp> =>
  startApp(
    { imports: withJwt.imports, providers: [...withJwt.providers, ...gateways, CustomGuard] },
    { adapter: { limits: { messagesPerSecond: false } } },
  );

const ada = { sub: 'ada', exp: expect.any(Number) };
const UNAUTHORIZED = { statusCode: 401, message: 'Unauthorized' };

describe.each(Object.keys(carriers))("AuthGuard('jwt') and a token in %s", (carrier) => {
  expectNoUnhandledErrors();

  it('lets its user connect, and checks the token again for every message', async () => {
    const app = await start();
    for (const path of ['/ws', '/hook']) {
      const { target = '', ...options } = carriers[carrier]!(tokens.valid());
      const client = await app.connect(`${path}${target}`, options);
      expect((await client.ask('whoami')).data).toEqual(ada);
    }
    expect(connected).toEqual([ada, ada]);
  });

  it.each(['expired', 'forged', 'unsigned'] as const)('refuses an %s token', async (kind) => {
    const app = await start();
    for (const path of ['/ws', '/hook']) {
      const answer = await requestUpgrade(app.port, ...asRequest(path, carrier, tokens[kind]()));
      expect(answer.status).toBe(401);
      expect(JSON.parse(answer.body)).toEqual(UNAUTHORIZED);
    }
    expect(connected).toEqual([]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(app.log.of('error')).toEqual([]);
  });
});

describe("AuthGuard('jwt')", () => {
  expectNoUnhandledErrors();

  it.each([
    ['no token', {}],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['another scheme', { Authorization: 'Basic YWRhOnNlY3JldA==' }],
    ['garbage', { Authorization: 'Bearer garbage' }],
    ['garbage in a subprotocol', { 'Sec-WebSocket-Protocol': 'bearer, garbage' }],
    ['bearer without a token', { 'Sec-WebSocket-Protocol': 'bearer' }],
    ['invalid JSON in a subprotocol', { 'Sec-WebSocket-Protocol': 'envelope.auth.bm8ganNvbg' }],
    ['a list in a subprotocol', { 'Sec-WebSocket-Protocol': 'envelope.auth.WzFd' }],
    ['a token that is not a string', { 'Sec-WebSocket-Protocol': 'envelope.auth.eyJ0b2tlbiI6eyJhIjoxfX0' }],
  ])('refuses %s', async (_, headers) => {
    const app = await start();
    const answer = await requestUpgrade(app.port, '/ws', headers as Record<string, string>);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([401, UNAUTHORIZED]);
    expect(connected).toEqual([]);
  });

  it('takes the first of several tokens, in the order of PROTOCOL.md', async () => {
    const app = await start();
    const order = [
      'envelope.auth.<base64url>',
      'the subprotocols bearer, <token>',
      'the Authorization header',
      '?token=',
    ];
    for (let first = 0; first < order.length - 1; first++) {
      const [good, bad] = [order[first]!, order[first + 1]!];
      for (const [token, other, status] of [
        [tokens.valid(), tokens.forged(), 101],
        [tokens.forged(), tokens.valid(), 401],
      ] as const) {
        const [one, two] = [carriers[good]!(token), carriers[bad]!(other)];
        const protocols = [...(two.protocols ?? []), ...(one.protocols ?? [])].join(', ');
        const headers = {
          ...one.headers,
          ...two.headers,
          ...(protocols !== '' && { 'Sec-WebSocket-Protocol': protocols }),
        };
        const target = `/ws${one.target ?? ''}${two.target ?? ''}`;
        expect([good, bad, (await requestUpgrade(app.port, target, headers)).status]).toEqual([
          good,
          bad,
          status,
        ]);
      }
    }
  });

  it('accepts a token in the only subprotocol, and does not select that subprotocol', async () => {
    const app = await start();
    const auth = Buffer.from(JSON.stringify({ token: tokens.valid() })).toString('base64url');
    const headers = { 'Sec-WebSocket-Protocol': `envelope.auth.${auth}` };
    const answer = await requestUpgrade(app.port, '/ws', headers);
    expect(answer.status).toBe(101);
    expect(answer.headers).not.toHaveProperty('sec-websocket-protocol');
  });

  it('guards one message, and not the others', async () => {
    const app = await start();
    const anonymous = await app.connect('/open');
    expect((await anonymous.ask('public')).data).toBe('public');
    expect(await anonymous.ask('secret', undefined, 1)).toEqual({
      event: 'exception',
      data: { status: 'error', ...UNAUTHORIZED },
      ack: 1,
    });
    const user = await app.connect('/open', { protocols: ['bearer', tokens.valid()] });
    expect((await user.ask('secret')).data).toBe('ada');
    // A payload is not a place for a token: Nest would use it as the response object.
    expect((await user.ask('secret', { header: 1, setHeader: 2 })).data).toBe('ada');
    expect((await user.ask('secret', null)).data).toBe('ada');
  });

  it('can be extended with its own messages', async () => {
    const app = await start();
    const client = await app.connect('/custom', { protocols: ['bearer', tokens.valid('bob')] });
    expect((await client.ask('whoami')).data).toBe('bob');
    const messageFor = async (token: string): Promise<unknown> =>
      JSON.parse((await requestUpgrade(app.port, `/custom?token=${token}`)).body).message;
    expect(await messageFor(tokens.expired())).toBe('jwt expired');
    expect(await messageFor(tokens.forged())).toBe('invalid signature');
    expect(await messageFor('')).toBe('No auth token');
  });

  it('answers 500 when its strategy is unknown', async () => {
    const app = await start();
    const answer = await requestUpgrade(app.port, ...asRequest('/unknown', '?token=', tokens.valid()));
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body).message).toBe('Internal server error');
    expect(app.log.of('error').join()).toContain('Unknown authentication strategy');
  });

  it('refuses messages once the token has expired, if nothing closed the connection', async () => {
    const app = await start();
    const hook = await app.connect('/hook', { protocols: ['bearer', tokens.valid('ada', 60)] });
    const open = await app.connect('/open', { protocols: ['bearer', tokens.valid('ada', 60)] });
    expect((await open.ask('secret')).data).toBe('ada');
    const later = Date.now() + 61_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(later);
    try {
      expect(await open.ask('secret')).toMatchObject({
        event: 'exception',
        data: { status: 'error', ...UNAUTHORIZED },
      });
      expect((await hook.ask('whoami')).data).toEqual(ada);
    } finally {
      clock.mockRestore();
    }
  });
});
