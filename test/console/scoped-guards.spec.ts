import {
  Inject,
  Injectable,
  Scope,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { EnvelopeExplorer } from '../../lib/explorer/index.js';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { Admin, Admins, ChatGateway, credentials } from './console-fixture.js';

const nameOf = (context: ExecutionContext): unknown =>
  context.switchToWs().getClient<EnvelopeSocket>().handshake.auth.name;

/** Keeps the result of its first check, as guards do that ask a database. */
class Memory {
  private isAdmin: boolean | undefined;

  canActivate(context: ExecutionContext): boolean {
    return (this.isAdmin ??= nameOf(context) === 'ada');
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestGuard extends Memory {}

@Injectable({ scope: Scope.TRANSIENT })
class TransientGuard extends Memory {}

/** Knows its client by injection. */
@Injectable({ scope: Scope.REQUEST })
class InjectingGuard implements CanActivate {
  constructor(@Inject(REQUEST) private readonly client: EnvelopeSocket) {}

  canActivate(): boolean {
    return this.client.handshake.auth.name === 'ada';
  }
}

/** A provider of one request, which its guard keeps the admin in. */
@Injectable({ scope: Scope.REQUEST })
class Visit {
  name: unknown;
}

/** Request-scoped because of what it injects. */
@Injectable()
class DependentGuard implements CanActivate {
  constructor(private readonly visit: Visit) {}

  canActivate(context: ExecutionContext): boolean {
    this.visit.name ??= nameOf(context);
    return this.visit.name === 'ada';
  }
}

function start(guard: Type<CanActivate>, providers: Type[]): Promise<TestApp> {
  return startApp(
    { providers: [Admins, ChatGateway, Visit, ...providers] },
    { before: (app) => EnvelopeExplorer.setup('ws-docs', app, { admin: { guards: [guard] } }) },
  );
}

async function statusOf(app: TestApp, name: string): Promise<number> {
  const headers = { 'Sec-WebSocket-Protocol': credentials(name).join(', ') };
  return (await requestUpgrade(app.port, '/ws-docs/console/live', headers)).status;
}

describe('request-scoped and transient guards of the console', () => {
  it.each([RequestGuard, TransientGuard, InjectingGuard, DependentGuard])(
    '%p: is created for each check, and knows nothing of another admin',
    async (guard) => {
      const app = await start(guard, [guard]);
      expect([await statusOf(app, 'ada'), await statusOf(app, 'eve')]).toEqual([101, 403]);
      expect((await (await Admin.connect(app)).ask('hello')).readOnly).toBe(false);
      expect([await statusOf(app, 'eve'), await statusOf(app, 'ada')]).toEqual([403, 101]);
      expect(app.log.of('error')).toEqual([]);
    },
  );

  it.each([RequestGuard, TransientGuard, DependentGuard])(
    '%p: lets nobody pass if no module provides it, and says so at the start',
    async (guard) => {
      const app = await start(guard, []);
      expect([await statusOf(app, 'ada'), await statusOf(app, 'eve')]).toEqual([500, 500]);
      expect(app.log.of('error').join()).toContain(
        `admin.guards: ${guard.name} cannot be created: list it in the providers`,
      );
    },
  );
});
