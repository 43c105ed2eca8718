import { jest } from '@jest/globals';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type Limits } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { deferred } from '../support/wait.js';

const FAR = Date.now() + 3_600_000;
/** Names of tokens, and when they expire. */
const TOKENS: Record<string, number> = { ada: FAR, 'ada again': FAR + 1_000, 'bob slow': FAR };
let gate = deferred<void>();
beforeEach(() => {
  gate = deferred();
});

/** Runs at the upgrade and at every message, like `AuthGuard('jwt')`: it reads, waits, and writes. */
class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const token = String(client.handshake.auth['token']);
    if (token.endsWith('slow') || context.switchToWs().getPattern() === 'slow') await gate.promise;
    client.user = { sub: token.split(' ')[0] };
    client.data.token = token;
    client.expiresAt = TOKENS[token];
    return true;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/ws' })
class OrderGateway {
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() { user, expiresAt, data }: EnvelopeSocket): unknown {
    return [user.sub, expiresAt, data.token];
  }
  @SubscribeMessage('slow')
  slow(): void {}
}

async function connect(limits: Limits = {}): Promise<TestClient> {
  const app: TestApp = await startApp({ providers: [OrderGateway] }, { adapter: { limits } });
  return app.connect('/ws?token=ada');
}

describe('$auth is ordered among the messages', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('messages after it are handled as the user of that time', async () => {
    const client = await connect();
    client.send({ event: '$auth', id: 1, meta: { token: 'bob slow' } });
    client.send({ event: 'whoami', id: 2 });
    await client.settled();
    expect(client.frames.map(({ ack }) => ack)).not.toContain(2);
    gate.resolve();
    expect((await client.answer(1)).data).toMatchObject({ statusCode: 403 });
    expect((await client.answer(2)).data).toEqual(['ada', FAR, 'ada']);
  });

  it('messages before it finish: their guards cannot overwrite its result', async () => {
    const client = await connect();
    // on a busy machine, the second that it waits for them could pass
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    client.send({ event: 'slow', id: 1 });
    client.send({ event: '$auth', id: 2, meta: { token: 'ada again' } });
    await client.settled();
    gate.resolve();
    await client.answer(1);
    expect((await client.answer(2)).data).toEqual({ expiresAt: FAR + 1_000, expiresIn: expect.any(Number) });
    clock.mockRestore();
    expect((await client.ask('whoami')).data).toEqual(['ada', FAR + 1_000, 'ada again']);
  });

  it('closes the connection after a timeout, because its guard could still write to the client', async () => {
    const client = await connect({ upgradeTimeout: 50 });
    client.send({ event: '$auth', id: 1, meta: { token: 'ada slow' } });
    client.send({ event: 'whoami', id: 2 });
    expect(await client.ended()).toEqual({ code: 1011, reason: 'the guards did not answer' });
    expect(client.frames).toEqual([]);
    gate.resolve();
  });

  it('waits at most a second for messages before it', async () => {
    const client = await connect();
    client.send({ event: 'slow', id: 1 });
    client.send({ event: '$auth', id: 2, meta: { token: 'ada again' } });
    expect((await client.answer(2)).data).toEqual({ expiresAt: FAR + 1_000, expiresIn: expect.any(Number) });
    gate.resolve();
    await client.answer(1);
  });
});
