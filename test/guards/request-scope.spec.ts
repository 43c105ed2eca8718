import {
  Inject,
  Injectable,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

declare const NEST_MAJOR: 11 | 12;

let calls: unknown[] = [];
let sessionError: Error | undefined;
beforeEach(() => {
  calls = [];
  sessionError = undefined;
});

@Injectable({ scope: Scope.REQUEST })
class Session {
  constructor(@Inject(REQUEST) readonly client: EnvelopeSocket) {
    if (sessionError !== undefined) throw sessionError;
    calls.push('session');
  }
}

/** It has the default scope, and depends on a provider of request scope. */
@Injectable()
class SessionGuard implements CanActivate {
  constructor(@Inject(Session) readonly session: Session | undefined) {}
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    calls.push([context.switchToWs().getPattern(), this.session?.client === client]);
    return client.query['refuse'] === undefined;
  }
}

@UseGuards(SessionGuard)
@WebSocketGateway({ path: '/static' })
class StaticGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

/** Nest 12 creates it for each client. */
@UseGuards(SessionGuard)
@WebSocketGateway({ path: '/scoped' })
class ScopedGateway {
  constructor(@Inject(Session) readonly session: Session | undefined) {}
  handleConnection(): void {
    calls.push(['handleConnection', this.session !== undefined]);
  }
  @SubscribeMessage('echo')
  echo(): void {}
}

/** Uses the same session as the gateway before it. */
@UseGuards(SessionGuard)
@WebSocketGateway({ path: '/scoped' })
class NextGateway {
  @SubscribeMessage('next')
  next(): void {}
}

const start = (): Promise<TestApp> =>
  startApp({ providers: [StaticGateway, ScopedGateway, NextGateway, Session] });

const hasSession = NEST_MAJOR === 12;

describe('a guard with a dependency of request scope', () => {
  expectNoUnhandledErrors();

  it('gets the client as its request', async () => {
    const app = await start();
    const client = await app.connect('/static');
    expect(calls).toEqual(['session', ['$upgrade', true]]);
    await client.ask('echo');
    // Nest 12 has one session for each client. Nest 11 has none for messages.
    expect(calls.slice(2)).toEqual([['echo', hasSession]]);
  });

  it('shares the dependency with the gateways of a path and with their hooks', async () => {
    const app = await start();
    await app.connect('/scoped');
    const expected = ['session', ['$upgrade', true], ['$upgrade', true], ['handleConnection', hasSession]];
    expect(calls).toEqual(expected);
  });

  it('has one dependency for each client', async () => {
    const app = await start();
    await app.connect('/static');
    await app.connect('/static');
    expect(calls.filter((entry) => entry === 'session')).toHaveLength(2);
  });

  it.each<[string, Error, number, string]>([
    ['a WsException', new WsException('no session'), 401, 'no session'],
    ['an error', new Error('the store is down'), 500, 'Internal server error'],
  ])('refuses the upgrade when the dependency cannot be created: %s', async (_, error, status, message) => {
    const app = await start();
    sessionError = error;
    for (const path of ['/static', '/scoped']) {
      const answer = await requestUpgrade(app.port, path);
      expect([answer.status, JSON.parse(answer.body).message]).toEqual([status, message]);
    }
    expect(calls).toEqual([]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    // The next client can connect.
    sessionError = undefined;
    await app.connect('/static');
  });

  it('refuses like any other guard', async () => {
    const app = await start();
    for (const path of ['/static', '/scoped'])
      expect((await requestUpgrade(app.port, `${path}?refuse`)).status).toBe(403);
    expect(calls).not.toContainEqual(['handleConnection', expect.anything()]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});
