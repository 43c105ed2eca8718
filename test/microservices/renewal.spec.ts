import { Controller, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { WebSocketGateway } from '@nestjs/websockets';
import { firstValueFrom } from 'rxjs';
import type { EnvelopeSocket } from '../../lib/index.js';
import { EnvelopeClient } from '../../lib/microservices/index.js';
import { until } from '../support/wait.js';
import { startHybrid } from './fixture.js';

/** Milliseconds. A renewal comes at least 900 ms before the end: less, and a busy machine may renew too late. */
const LIFETIME = 6_000;

/** Accepts each token once, for its lifetime. */
class FreshTokenGuard implements CanActivate {
  static readonly seen: unknown[] = [];
  static lifetime = LIFETIME;

  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { token } = client.handshake.auth;
    if (FreshTokenGuard.seen.includes(token)) return false;
    FreshTokenGuard.seen.push(token);
    client.user = { id: 'reports' };
    client.expiresAt = Date.now() + FreshTokenGuard.lifetime;
    return true;
  }
}

@UseGuards(FreshTokenGuard)
@WebSocketGateway({ path: '/rpc' })
class RpcGateway {}

@Controller()
class Reports {
  @MessagePattern('count')
  count(): number {
    return 3;
  }
}

describe('EnvelopeClient whose credentials expire', () => {
  /** Connects a client. Returns it with the values of its `status`. */
  async function connect(auth: () => string): Promise<{ client: EnvelopeClient; states: string[] }> {
    FreshTokenGuard.seen.length = 0;
    const app = await startHybrid(
      { providers: [RpcGateway], controllers: [Reports] },
      { transport: { path: '/rpc' } },
    );
    const client = new EnvelopeClient({ url: app.url('/rpc'), auth, reconnectionDelay: 20 });
    clients.push(client);
    const states: string[] = [];
    client.status.subscribe((state) => states.push(state));
    await client.connect();
    return { client, states };
  }
  const clients: EnvelopeClient[] = [];

  beforeEach(() => void (FreshTokenGuard.lifetime = LIFETIME));
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  it('renews them on its connection', async () => {
    let calls = 0;
    const { client, states } = await connect(() => `token ${++calls}`);
    const openedAt = performance.now();
    await until('the end of the first token', () => performance.now() > openedAt + LIFETIME);
    expect(FreshTokenGuard.seen).toEqual(['token 1', 'token 2']);
    expect(await firstValueFrom(client.send('count', {}))).toBe(3);
    expect([calls, states]).toEqual([2, ['connected']]);
  });

  it('reconnects with fresh ones if its renewals are refused', async () => {
    FreshTokenGuard.lifetime = 1_500;
    let calls = 0;
    const { client, states } = await connect(() => {
      const isFirst = ++calls === 1;
      if (isFirst || states.length === 1) return 'token 1';
      // the second connection stays
      FreshTokenGuard.lifetime = 60_000;
      return `token ${calls}`;
    });
    await until('the second connection', () => states.length === 3);
    expect(states).toEqual(['connected', 'reconnecting', 'connected']);
    expect(calls).toBeGreaterThan(2);
    expect(await firstValueFrom(client.send('count', {}))).toBe(3);
  });
});
