import { format, inspect } from 'node:util';
import {
  HttpException,
  Logger,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { asRequest, carriers } from '../support/jwt.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

const TOKEN = 's3cr3t.t0k3n-of_ada';
/** All forms in which the token is sent. */
const SECRETS = [TOKEN, Buffer.from(JSON.stringify({ token: TOKEN })).toString('base64url'), 'k00k1e'];

/** Returns the forms of the token that a text contains. */
const findSecrets = (text: string): string[] => SECRETS.filter((secret) => text.includes(secret));
/** Returns everything logged at all levels, as a console shows it. */
const allLogged = (app: TestApp): string =>
  app.log.lines.map(({ given }) => inspect(given, { depth: 6 })).join('\n');

let sockets: EnvelopeSocket[] = [];
let thrown: unknown[] = [];
beforeEach(() => {
  sockets = [];
  thrown = [];
});

/** Throws at the place that the `X-Act` header names. */
function act(client: EnvelopeSocket, where: string): void {
  if (client.headers['x-act'] !== where) return;
  // Careless code throws and logs the client itself.
  const errors = [
    new Error('broken'),
    new WsException('ws'),
    new HttpException('http', 418),
    { client },
    client,
  ];
  throw errors[thrown.push(where) % errors.length];
}

class ActGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    sockets.push(client);
    expect([client.handshake.auth['token'], client.cookies['sid']]).toEqual([expect.any(String), 'k00k1e']);
    if (client.headers['x-act'] === 'refuse') throw new UnauthorizedException();
    if (client.headers['x-act'] === 'late') return new Promise(() => undefined) as unknown as boolean;
    act(client, 'guard');
    return true;
  }
}

class Gateway {
  handleConnection(client: EnvelopeSocket): void {
    act(client, 'handleConnection');
    if (client.headers['x-act'] === 'expiry') client.expiresAt = 1_900_000_000;
  }
  handleDisconnect(client: EnvelopeSocket): void {
    act(client, 'handleDisconnect');
  }
  @SubscribeMessage('fails')
  fails(@ConnectedSocket() client: EnvelopeSocket): void {
    act(client, 'handler');
  }
  @SubscribeMessage('self')
  self(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client;
  }
}
@UseGuards(ActGuard)
@WebSocketGateway({ path: '/ws' })
class PlainGateway extends Gateway {}
@UseGuards(ActGuard)
@WebSocketGateway({ path: '/many', namespace: /^\/\d+$/ })
class ManyGateway extends Gateway {}

const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ providers: [PlainGateway, ManyGateway] }, { adapter });

/** Those that the server itself reads, and fills `handshake.auth` from. */
const CARRIERS = Object.keys(carriers).filter((name) => !/another|cookie/.test(name));

const BROKEN_CHECK: EnvelopeOptions = {
  allowRequest: () => {
    throw new Error('the check is broken');
  },
};

describe.each(CARRIERS)('a token in %s', (carrier) => {
  expectNoUnhandledErrors();

  const request = (path: string, headers: Record<string, string>): [string, Record<string, string>] => {
    const [target, carried] = asRequest(path, carrier, TOKEN);
    return [target, { ...carried, Cookie: 'sid=k00k1e', ...headers }];
  };

  it.each<[string, number, Record<string, string>, string, EnvelopeOptions]>([
    ['is accepted', 101, {}, '/ws', {}],
    ['is refused', 401, { 'X-Act': 'refuse' }, '/ws', {}],
    ['has a slow guard', 503, { 'X-Act': 'late' }, '/ws', { limits: { upgradeTimeout: 20 } }],
    ['comes from a foreign page', 403, { Origin: 'https://evil.example' }, '/ws', {}],
    ['requests an unknown path', 404, {}, '/nowhere', {}],
    ['exceeds maxConnections', 503, {}, '/ws', { limits: { maxConnections: 1 } }],
    ['requests an unsupported version', 400, { 'Sec-WebSocket-Version': '7' }, '/ws', {}],
    ['fails a check', 500, {}, '/ws', BROKEN_CHECK],
  ])('of a client that %s is neither echoed nor logged', async (_, status, headers, path, options) => {
    const app = await start(options);
    if (options.limits?.maxConnections === 1)
      await app.connect('/ws?token=other', { headers: { Cookie: 'sid=k00k1e' } });
    const answer = await requestUpgrade(app.port, ...request(path, headers));
    expect(answer.status).toBe(status);
    expect(findSecrets(JSON.stringify(answer))).toEqual([]);
    await app.close();
    expect(findSecrets(allLogged(app))).toEqual([]);
  });

  it('is neither in the answer nor in the log of a failing guard', async () => {
    const app = await start();
    for (let times = 0; times < 5; times++) {
      const answer = await requestUpgrade(app.port, ...request('/many/7', { 'X-Act': 'guard' }));
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(findSecrets(JSON.stringify(answer))).toEqual([]);
    }
    expect(thrown).toHaveLength(5);
    expect(app.log.of('error').length).toBeGreaterThan(0);
    expect(findSecrets(allLogged(app))).toEqual([]);
  });

  it.each(['handleConnection', 'handler', 'handleDisconnect', 'expiry', 'none'])(
    'is in no frame, no close reason and no log line when %s fails',
    async (where) => {
      const app = await start();
      const [target, headers] = request('/ws', { 'X-Act': where });
      const { 'Sec-WebSocket-Protocol': offered, ...rest } = headers;
      for (let times = 0; times < 5; times++) {
        const protocols = offered?.split(', ') ?? [];
        const client = await app.connect(target, { protocols, headers: rest });
        client.ws.on('error', () => undefined);
        client.send({ event: 'fails', id: 1 });
        client.send({ event: 'fails' });
        client.send({ event: 'self', id: 2 });
        client.send({ event: '$auth', id: 3, data: { token: TOKEN } });
        client.send({ event: '$unknown', id: 4, data: TOKEN, meta: { token: TOKEN } });
        client.send({ event: 'unknown', id: 5, data: TOKEN, meta: { token: TOKEN } });
        client.send(`{"event":"self","id":6,"meta":"${TOKEN}"}`);
        client.send(TOKEN);
        if (where !== 'handleConnection' && where !== 'expiry') await client.settled();
        else await client.ended();
        client.ws.terminate();
        const { closed } = await client.ended().then(() => client);
        expect(findSecrets(JSON.stringify([client.frames, closed, client.ws.protocol]))).toEqual([]);
      }
      await until('the end of all connections', () => sockets.every(({ closed }) => closed !== undefined));
      await app.close();
      expect(findSecrets(allLogged(app))).toEqual([]);
    },
  );

  it('is not part of a client converted to text', async () => {
    const app = await start();
    const [target, headers] = request('/ws', {});
    const { 'Sec-WebSocket-Protocol': offered, ...rest } = headers;
    await app.connect(target, { protocols: offered?.split(', ') ?? [], headers: rest });
    const client = sockets[0]!;
    expect(JSON.stringify(client)).toBe(`{"id":"${client.id}"}`);
    expect(inspect(client)).toBe(`EnvelopeSocket { id: '${client.id}' }`);
    expect(inspect({ client }, { depth: 20 })).toContain(`EnvelopeSocket { id: '${client.id}' }`);
    const texts = [
      String(client),
      format('%s %o %O %j', client, client, client, client),
      inspect(client, { depth: Infinity, showHidden: true }),
      inspect(new Error('with a cause', { cause: client })),
      inspect(client.nsp.sockets, { depth: 6 }),
      JSON.stringify(await client.nsp.fetchSockets()),
    ];
    for (const text of texts) expect(findSecrets(text)).toEqual([]);
    // It is available under its own name.
    expect(findSecrets(inspect(client.handshake))).toContain(TOKEN);
  });
});

describe('the check for a token', () => {
  expectNoUnhandledErrors();

  it('finds a token in the log', async () => {
    const app = await start();
    const logger = new Logger('Test');
    logger.verbose({ deep: { token: TOKEN } });
    logger.error('message', `Error: ${SECRETS[1]}`, 'k00k1e');
    expect(findSecrets(allLogged(app))).toEqual(SECRETS);
  });

  it('never selects a token as the subprotocol', async () => {
    const app = await start();
    const auth = `envelope.auth.${SECRETS[1]}`;
    const select = async (...offered: string[]): Promise<unknown> => {
      const headers = { Cookie: 'sid=k00k1e', 'Sec-WebSocket-Protocol': offered.join(', ') };
      const answer = await requestUpgrade(app.port, `/ws?token=${TOKEN}`, headers);
      expect(answer.status).toBe(101);
      expect(findSecrets(JSON.stringify(answer))).toEqual([]);
      return answer.headers['sec-websocket-protocol'];
    };
    expect(await select('bearer', TOKEN)).toBe('bearer');
    expect(await select('envelope.v1', 'bearer', TOKEN)).toBe('envelope.v1');
    expect(await select('bearer', TOKEN, 'envelope.v1')).toBe('envelope.v1');
    expect(await select(auth, 'chat')).toBeUndefined();
    expect(await select('chat', TOKEN)).toBeUndefined();
    expect(await select('bearer', auth)).toBeUndefined();
    expect(await select(auth)).toBeUndefined();
    expect(await select('envelope.auth.bm9uZQ', auth)).toBeUndefined();
    expect(await select('chat', 'bearer', TOKEN)).toBe('bearer');
  });

  it('finds no token in an HTTP answer', async () => {
    const app = await start();
    const page = await fetch(`http://127.0.0.1:${app.port}/ws`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    expect(findSecrets(await page.text())).toEqual([]);
    expect(findSecrets(allLogged(app))).toEqual([]);
  });
});
