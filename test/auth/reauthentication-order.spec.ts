import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type Limits } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { deferred } from '../support/wait.js';

const FAR = Date.now() + 3_600_000;
/** Names of tokens, and when they end. */
const TOKENS: Record<string, number> = { ada: FAR, 'ada again': FAR + 1_000, 'bob slow': FAR };
let door = deferred<void>();
beforeEach(() => {
  door = deferred();
});

/** At the upgrade and at every message, as `AuthGuard('jwt')` is: it reads, it waits, and it writes. */
class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const token = String(client.handshake.auth['token']);
    if (token.endsWith('slow') || context.switchToWs().getPattern() === 'slow') await door.promise;
    client.user = { sub: token.split(' ')[0] };
    client.data.token = token;
    client.expiresAt = TOKENS[token];
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/ws' })
class TurnGateway {
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() { user, expiresAt, data }: EnvelopeSocket): unknown {
    return [user.sub, expiresAt, data.token];
  }
  @SubscribeMessage('slow')
  slow(): void {}
}

async function connect(limits: Limits = {}): Promise<TestClient> {
  const app: TestApp = await startApp({ providers: [TurnGateway] }, { adapter: { limits } });
  return app.connect('/ws?token=ada');
}

describe('$auth takes its turn among the messages', () => {
  it('those after it are handled as whoever the client is then', async () => {
    const client = await connect();
    client.send({ event: '$auth', id: 1, meta: { token: 'bob slow' } });
    client.send({ event: 'whoami', id: 2 });
    await client.settled();
    expect(client.frames.map(({ ack }) => ack)).not.toContain(2);
    door.resolve();
    expect((await client.answer(1)).data).toMatchObject({ statusCode: 403 });
    expect((await client.answer(2)).data).toEqual(['ada', FAR, 'ada']);
  });

  it('those before it come to their end: what their guards write late does not count', async () => {
    const client = await connect();
    client.send({ event: 'slow', id: 1 });
    client.send({ event: '$auth', id: 2, meta: { token: 'ada again' } });
    await client.settled();
    door.resolve();
    await client.answer(1);
    expect((await client.answer(2)).data).toEqual({ expiresAt: FAR + 1_000 });
    expect((await client.ask('whoami')).data).toEqual(['ada', FAR + 1_000, 'ada again']);
  });

  it('and is not looked at without end: the guard may still write whatever it comes to', async () => {
    const client = await connect({ upgradeTimeout: 50 });
    client.send({ event: '$auth', id: 1, meta: { token: 'ada slow' } });
    client.send({ event: 'whoami', id: 2 });
    expect(await client.ended()).toEqual({ code: 1011, reason: 'the guards did not answer' });
    expect(client.frames).toEqual([]);
    door.resolve();
  });

  it('waits for them a second, and no longer', async () => {
    const client = await connect();
    client.send({ event: 'slow', id: 1 });
    client.send({ event: '$auth', id: 2, meta: { token: 'ada again' } });
    expect((await client.answer(2)).data).toEqual({ expiresAt: FAR + 1_000 });
    door.resolve();
    await client.answer(1);
  });
});
