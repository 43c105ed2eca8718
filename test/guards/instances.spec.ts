import {
  HttpException,
  Injectable,
  Scope,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

declare const NEST_MAJOR: 11 | 12;

const RequiresRole = (role: string) => SetMetadata('role', role);

let calls: { guard: CanActivate; client: EnvelopeSocket; user: unknown; pattern: string }[] = [];
let connected: EnvelopeSocket[] = [];
beforeEach(() => {
  calls = [];
  connected = [];
});

/** Looks users up asynchronously, like a database. */
@Injectable()
class Users {
  readonly known = new Map([
    ['ada-token', { name: 'ada', role: 'admin' }],
    ['bob-token', { name: 'bob', role: 'guest' }],
  ]);
  async find(token: unknown): Promise<{ name: string; role: string } | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.known.get(String(token));
  }
}

/** Has dependencies, request scope and metadata, and refuses asynchronously. */
@Injectable({ scope: Scope.REQUEST })
class RoleGuard implements CanActivate {
  constructor(
    readonly users: Users,
    readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const pattern = context.switchToWs().getPattern();
    calls.push({ guard: this, client, user: client.data.user, pattern });
    // Nest 11 calls an object without dependencies for each message.
    if (NEST_MAJOR === 11 && pattern !== '$upgrade') return true;
    const role = this.reflector.getAllAndOverride<string>('role', [context.getHandler(), context.getClass()]);
    const user = await this.users.find(client.handshake.auth['token']);
    if (user === undefined) throw new HttpException({ reason: 'unknown token', code: 7 }, 401);
    if (role !== undefined && user.role !== role) throw new HttpException('not for you', 402);
    client.data.user = user;
    client.user = user;
    return true;
  }
}

@RequiresRole('admin')
@UseGuards(RoleGuard)
@WebSocketGateway({ path: '/admin' })
class AdminGateway {
  handleConnection(client: EnvelopeSocket): void {
    connected.push(client);
  }
  @SubscribeMessage('whoami')
  whoAmI(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return [client.data.user, client.user];
  }
}

const start = (): Promise<TestApp> => startApp({ providers: [AdminGateway, Users] });

const withToken = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

describe('a guard with dependencies, request scope and metadata', () => {
  expectNoUnhandledErrors();

  it.each([
    ['a client without a token', {}, 401, { reason: 'unknown token', code: 7 }],
    ['an unknown user', withToken('eve-token'), 401, { reason: 'unknown token', code: 7 }],
    ['a guest', withToken('bob-token'), 402, { statusCode: 402, message: 'not for you' }],
  ])('refuses %s before the 101', async (_who, headers, status, body) => {
    const app = await start();
    const answer = await requestUpgrade(app.port, '/admin', headers);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual(body);
    expect(answer.headers).toEqual({
      connection: 'close',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(answer.body.length),
    });
    expect(connected).toEqual([]);
    expect(calls).toHaveLength(1);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(app.log.of('error')).toEqual([]);
  });

  it('accepts a client, whose data is available in handleConnection and in handlers', async () => {
    const app = await start();
    const client = await app.connect('/admin', { headers: withToken('ada-token') });
    const user = { name: 'ada', role: 'admin' };
    expect((await client.ask('whoami')).data).toEqual([user, user]);
    expect(connected).toHaveLength(1);
    expect(connected[0]?.data.user).toEqual(user);
    // The guard, the hook and the handler get the same client.
    expect(new Set([...calls.map(({ client }) => client), ...connected]).size).toBe(1);
    expect(calls.map(({ pattern }) => pattern)).toContain('$upgrade');
    expect(calls.at(-1)).toMatchObject({ pattern: 'whoami', user });
  });

  it('is one instance for each client, also for its messages', async () => {
    const app = await start();
    const [ada, second] = [
      await app.connect('/admin', { headers: withToken('ada-token') }),
      await app.connect('/admin', { headers: withToken('ada-token') }),
    ];
    for (const client of [ada, ada, second]) await client.ask('whoami');
    const guards = (pattern: string): CanActivate[] =>
      calls.filter((call) => call.pattern === pattern).map(({ guard }) => guard);
    expect(guards('$upgrade')).toHaveLength(2);
    expect(guards('$upgrade')[0]).not.toBe(guards('$upgrade')[1]);
    expect(guards('whoami')).toHaveLength(3);
    if (NEST_MAJOR === 12) {
      expect(guards('whoami')[0]).toBe(guards('$upgrade')[0]);
      expect(guards('whoami')[1]).toBe(guards('$upgrade')[0]);
      expect(guards('whoami')[2]).toBe(guards('$upgrade')[1]);
    } else {
      // On Nest 11 the guard has its dependencies at the upgrade, and none of them for messages.
      for (const guard of guards('$upgrade')) expect(guard).toHaveProperty('users', app.nest.get(Users));
      for (const guard of guards('whoami')) expect(Reflect.get(guard, 'users')).toBeUndefined();
    }
  });

  it('accepts a token from a subprotocol and from the query', async () => {
    const app = await start();
    const auth = Buffer.from(JSON.stringify({ token: 'ada-token' })).toString('base64url');
    await app.connect('/admin', { protocols: ['bearer', 'ada-token'] });
    await app.connect('/admin', { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
    await app.connect('/admin?token=ada-token');
    expect(connected).toHaveLength(3);
  });

  it('is released with its client', async () => {
    const app = await start();
    const client = await app.connect('/admin', { headers: withToken('ada-token') });
    client.ws.terminate();
    await until('the disconnect', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});

/** For a class that is both a provider and a guard, Nest creates an instance of each. */
@UseGuards(RoleGuard)
@WebSocketGateway({ path: '/twice' })
class TwiceGateway {
  @SubscribeMessage('whoami')
  whoAmI(): void {}
}

@Injectable()
class SharedGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    calls.push({ guard: this, client, user: undefined, pattern: context.switchToWs().getPattern() });
    return true;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientGuard extends SharedGuard {
  readonly isConstructed = true;
}

@UseGuards(SharedGuard, TransientGuard)
@WebSocketGateway({ path: '/shared' })
class SharedGateway {
  @SubscribeMessage('whoami')
  whoAmI(): void {}
}

describe('the instance of a guard', () => {
  expectNoUnhandledErrors();

  const instances = async (app: TestApp, path: string): Promise<Set<CanActivate>[]> => {
    const client = await app.connect(path, { headers: withToken('ada-token') });
    await client.ask('whoami');
    await client.ask('whoami');
    const classes = [...new Set(calls.map(({ guard }) => guard.constructor))];
    return classes.map(
      (type) => new Set(calls.flatMap(({ guard }) => (guard.constructor === type ? [guard] : []))),
    );
  };

  it('is the same at the upgrade and for messages', async () => {
    const app = await startApp({ providers: [SharedGateway] });
    const [shared] = await instances(app, '/shared');
    expect(shared?.size).toBe(1);
  });

  it('is a separate one at the upgrade if the guard is transient', async () => {
    const app = await startApp({ providers: [SharedGateway] });
    await instances(app, '/shared');
    await instances(app, '/shared');
    const transient = calls.filter(({ guard }) => guard instanceof TransientGuard);
    const isConstructed = (pattern: string) =>
      transient
        .filter((call) => call.pattern === pattern)
        .map(({ guard }) => Reflect.get(guard, 'isConstructed'));
    expect(isConstructed('$upgrade')).toEqual([true, true]);
    expect(
      new Set(transient.flatMap(({ guard, pattern }) => (pattern === '$upgrade' ? [guard] : []))).size,
    ).toBe(2);
    // Nest 11 and 12 call an object whose constructor never ran for messages.
    expect(isConstructed('whoami')).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is the same if the class is also a provider of its module', async () => {
    const app = await startApp({ providers: [TwiceGateway, SharedGateway, RoleGuard, SharedGuard, Users] });
    const [guards] = await instances(app, '/twice');
    expect(guards?.size).toBe(NEST_MAJOR === 12 ? 1 : 2);
    calls = [];
    const [shared] = await instances(app, '/shared');
    expect(shared?.size).toBe(1);
  });
});
