import { Injectable, Scope, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';

let calls: string[] = [];
beforeEach(() => {
  calls = [];
});

const allows = (context: ExecutionContext, name: string): boolean => {
  const client: EnvelopeSocket = context.switchToWs().getClient();
  calls.push(`${name} ${context.switchToWs().getPattern()}`);
  return client.query['refuse'] !== name;
};

@Injectable()
class SharedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return allows(context, 'shared');
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return allows(context, 'scoped');
  }
}

@WebSocketGateway({ path: '/ws' })
class OpenGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

const providers = [
  OpenGateway,
  { provide: APP_GUARD, useClass: SharedGuard },
  { provide: APP_GUARD, useClass: ScopedGuard },
];

describe('global guards', () => {
  it('do not run at the upgrade', async () => {
    const app = await startApp({ providers });
    await app.connect('/ws?refuse=shared');
    expect(calls).toEqual([]);
  });

  it("run first at the upgrade with upgradeGuards: 'global'", async () => {
    const late: CanActivate = { canActivate: (context) => allows(context, 'late') };
    const app = await startApp(
      { providers },
      { adapter: { upgradeGuards: 'global' }, before: (nest) => nest.useGlobalGuards(late) },
    );
    for (const name of ['shared', 'scoped', 'late'])
      expect((await requestUpgrade(app.port, `/ws?refuse=${name}`)).status).toBe(403);
    calls = [];
    await app.connect('/ws');
    expect(calls.sort()).toEqual(['late $upgrade', 'scoped $upgrade', 'shared $upgrade']);
    expect(app.log.of('log').join()).toContain(
      'OpenGateway (1 message, 0 lifecycle hooks; global guards at the upgrade)',
    );
  });
});
