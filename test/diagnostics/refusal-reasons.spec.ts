import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { observe, type EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';

/** Refuses or holds a client, as its query says. */
class Guard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { query } = context.switchToWs().getClient<EnvelopeSocket>().handshake;
    if (query['guard'] === 'holds') await new Promise(() => undefined);
    if (query['guard'] === 'fails') throw new Error('no database');
    if (query['guard'] === 'refuses') throw new UnauthorizedException();
    return true;
  }
}

@UseGuards(Guard)
@WebSocketGateway({ path: '/ws', limits: { upgradeTimeout: 200 } })
class GuardedGateway {}

@WebSocketGateway({ path: '/verified', verifyClient: () => false })
class VerifiedGateway {}

@WebSocketGateway({
  path: '/allowed',
  allowRequest: (_: unknown, done: (error: null, success: boolean) => void) => done(null, false),
})
class AllowedGateway {}

describe('the reason of a refused upgrade', () => {
  it('is on the channel upgrade.refuse, for what checks, guards, limits and operators refuse', async () => {
    const reasons: unknown[] = [];
    const stop = observe('upgrade.refuse', ({ status, why }) => void reasons.push([status, why]));
    const app = await startApp(
      { providers: [GuardedGateway, VerifiedGateway, AllowedGateway] },
      { adapter: { trustProxy: 'loopback', limits: { maxConnections: 3, maxConnectionsPerAddress: 1 } } },
    );
    const { operations } = app.adapter;
    const refused = async (path: string, headers: Record<string, string> = {}): Promise<unknown> => {
      await requestUpgrade(app.port, path, headers);
      return reasons.pop();
    };
    try {
      expect(await refused('/ws', { Origin: 'https://evil.example' })).toEqual([403, 'origin']);
      expect(await refused('/nowhere')).toEqual([404, 'path']);
      expect(await refused('/ws', { 'Sec-WebSocket-Version': '7' })).toEqual([400, 'handshake']);
      expect(await refused('/verified')).toEqual([401, 'verifyClient']);
      expect(await refused('/allowed')).toEqual([403, 'allowRequest']);
      expect(await refused('/ws?guard=refuses')).toEqual([401, 'guard']);
      expect(await refused('/ws?guard=fails')).toEqual([500, 'guard']);
      expect(await refused('/ws?guard=holds')).toEqual([503, 'upgradeTimeout']);
      operations.block({ address: '203.0.113.7' }, { duration: 60_000 });
      expect(await refused('/ws', { 'X-Forwarded-For': '203.0.113.7' })).toEqual([429, 'blocked']);
      const headers = { 'X-Forwarded-For': '203.0.113.8' };
      await app.connect('/ws', { headers });
      expect(await refused('/ws', headers)).toEqual([429, 'maxConnectionsPerAddress']);
      operations.setLimits({ maxConnections: 1 });
      expect(await refused('/ws', { 'X-Forwarded-For': '203.0.113.9' })).toEqual([503, 'maxConnections']);
      const drained = operations.drain();
      expect(await refused('/ws')).toEqual([503, 'draining']);
      await drained;
      expect(reasons).toEqual([]);
    } finally {
      stop();
    }
  });
});
