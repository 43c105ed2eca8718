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
import { askForUpgrade } from '../support/upgrade.js';

declare const NEST_MAJOR: 11 | 12;

let trail: unknown[] = [];
let broken: Error | undefined;
beforeEach(() => {
  trail = [];
  broken = undefined;
});

@Injectable({ scope: Scope.REQUEST })
class Session {
  constructor(@Inject(REQUEST) readonly client: EnvelopeSocket) {
    if (broken !== undefined) throw broken;
    trail.push('session');
  }
}

/** Not scoped itself: what it depends on is. */
@Injectable()
class SessionGuard implements CanActivate {
  constructor(@Inject(Session) readonly session: Session | undefined) {}
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    trail.push([context.switchToWs().getPattern(), this.session?.client === client]);
    return client.query['refuse'] === undefined;
  }
}

@UseGuards(SessionGuard)
@WebSocketGateway({ path: '/static' })
class StaticGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

/** Made for each client, by Nest 12. */
@UseGuards(SessionGuard)
@WebSocketGateway({ path: '/scoped' })
class ScopedGateway {
  constructor(@Inject(Session) readonly session: Session | undefined) {}
  handleConnection(): void {
    trail.push(['handleConnection', this.session !== undefined]);
  }
  @SubscribeMessage('echo')
  echo(): void {}
}

/** Asks the same session as the one before it. */
@UseGuards(SessionGuard)
@WebSocketGateway({ path: '/scoped' })
class NextGateway {
  @SubscribeMessage('next')
  next(): void {}
}

const start = (): Promise<TestApp> =>
  startApp({ providers: [StaticGateway, ScopedGateway, NextGateway, Session] });

const isWhole = NEST_MAJOR === 12;

describe('a guard with a dependency of request scope', () => {
  expectNoUnhandledErrors();

  it('gets the client for its request', async () => {
    const app = await start();
    const client = await app.connect('/static');
    expect(trail).toEqual(['session', ['$upgrade', true]]);
    await client.ask('echo');
    // Nest 12 has one session for each client, Nest 11 none at all at messages
    expect(trail.slice(2)).toEqual([['echo', isWhole]]);
  });

  it('shares it with the gateways of a path, and with their hooks', async () => {
    const app = await start();
    await app.connect('/scoped');
    const expected = ['session', ['$upgrade', true], ['$upgrade', true], ['handleConnection', isWhole]];
    expect(trail).toEqual(expected);
  });

  it('has one for each client', async () => {
    const app = await start();
    await app.connect('/static');
    await app.connect('/static');
    expect(trail.filter((entry) => entry === 'session')).toHaveLength(2);
  });

  it.each<[string, Error, number, string]>([
    ['a WsException', new WsException('no session'), 401, 'no session'],
    ['an error', new Error('the store is down'), 500, 'Internal server error'],
  ])('refuses where that cannot be made: %s', async (_, error, status, message) => {
    const app = await start();
    broken = error;
    for (const path of ['/static', '/scoped']) {
      const answer = await askForUpgrade(app.port, path);
      expect([answer.status, JSON.parse(answer.body).message]).toEqual([status, message]);
    }
    expect(trail).toEqual([]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    // and lets the next one in
    broken = undefined;
    await app.connect('/static');
  });

  it('refuses as any other', async () => {
    const app = await start();
    for (const path of ['/static', '/scoped'])
      expect((await askForUpgrade(app.port, `${path}?refuse`)).status).toBe(403);
    expect(trail).not.toContainEqual(['handleConnection', expect.anything()]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});
