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
import { askForUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

declare const NEST_MAJOR: 11 | 12;

const Needs = (role: string) => SetMetadata('role', role);

let seen: { guard: CanActivate; client: EnvelopeSocket; user: unknown; pattern: string }[] = [];
let connected: EnvelopeSocket[] = [];
beforeEach(() => {
  seen = [];
  connected = [];
});

/** Looks users up, as a database does: later. */
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

/** Dependencies, request scope, metadata and an asynchronous refusal at once. */
@Injectable({ scope: Scope.REQUEST })
class RoleGuard implements CanActivate {
  constructor(
    readonly users: Users,
    readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const pattern = context.switchToWs().getPattern();
    seen.push({ guard: this, client, user: client.data.user, pattern });
    // Nest 11 asks an object without dependencies at every message
    if (NEST_MAJOR === 11 && pattern !== '$upgrade') return true;
    const role = this.reflector.getAllAndOverride<string>('role', [context.getHandler(), context.getClass()]);
    const user = await this.users.find(client.handshake.auth['token']);
    if (user === undefined) throw new HttpException({ reason: 'who are you?', code: 7 }, 401);
    if (role !== undefined && user.role !== role) throw new HttpException('not for you', 402);
    client.data.user = user;
    client.user = user;
    return true;
  }
}

@Needs('admin')
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

const as = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

describe('a guard with dependencies, request scope and metadata', () => {
  expectNoUnhandledErrors();

  it.each([
    ['nobody', {}, 401, { reason: 'who are you?', code: 7 }],
    ['a stranger', as('eve-token'), 401, { reason: 'who are you?', code: 7 }],
    ['a guest', as('bob-token'), 402, { statusCode: 402, message: 'not for you' }],
  ])('refuses %s before the 101', async (_who, headers, status, body) => {
    const app = await start();
    const answer = await askForUpgrade(app.port, '/admin', headers);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual(body);
    expect(answer.headers).toEqual({
      connection: 'close',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(answer.body.length),
    });
    expect(connected).toEqual([]);
    expect(seen).toHaveLength(1);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(app.log.of('error')).toEqual([]);
  });

  it('lets a client in, whose data is there in handleConnection and in handlers', async () => {
    const app = await start();
    const client = await app.connect('/admin', { headers: as('ada-token') });
    const user = { name: 'ada', role: 'admin' };
    expect((await client.ask('whoami')).data).toEqual([user, user]);
    expect(connected).toHaveLength(1);
    expect(connected[0]?.data.user).toEqual(user);
    // one client, from its guard on
    expect(new Set([...seen.map(({ client }) => client), ...connected]).size).toBe(1);
    expect(seen.map(({ pattern }) => pattern)).toContain('$upgrade');
    expect(seen.at(-1)).toMatchObject({ pattern: 'whoami', user });
  });

  it('is one instance for each client, which its messages are asked of, too', async () => {
    const app = await start();
    const [ada, again] = [
      await app.connect('/admin', { headers: as('ada-token') }),
      await app.connect('/admin', { headers: as('ada-token') }),
    ];
    for (const client of [ada, ada, again]) await client.ask('whoami');
    const guards = (pattern: string): CanActivate[] =>
      seen.filter((asked) => asked.pattern === pattern).map(({ guard }) => guard);
    expect(guards('$upgrade')).toHaveLength(2);
    expect(guards('$upgrade')[0]).not.toBe(guards('$upgrade')[1]);
    expect(guards('whoami')).toHaveLength(3);
    if (NEST_MAJOR === 12) {
      expect(guards('whoami')[0]).toBe(guards('$upgrade')[0]);
      expect(guards('whoami')[1]).toBe(guards('$upgrade')[0]);
      expect(guards('whoami')[2]).toBe(guards('$upgrade')[1]);
    } else {
      // what holds on Nest 11: at the upgrade the guard is whole, at messages it has none of its dependencies
      for (const guard of guards('$upgrade')) expect(guard).toHaveProperty('users', app.nest.get(Users));
      for (const guard of guards('whoami')) expect(Reflect.get(guard, 'users')).toBeUndefined();
    }
  });

  it('takes a token from a subprotocol and from the query as well', async () => {
    const app = await start();
    const auth = Buffer.from(JSON.stringify({ token: 'ada-token' })).toString('base64url');
    await app.connect('/admin', { protocols: ['bearer', 'ada-token'] });
    await app.connect('/admin', { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
    await app.connect('/admin?token=ada-token');
    expect(connected).toHaveLength(3);
  });

  it('is gone with its client', async () => {
    const app = await start();
    const client = await app.connect('/admin', { headers: as('ada-token') });
    client.ws.terminate();
    await until('the end of the client', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});

/** A class that is both a provider and a guard has an instance for each in Nest. */
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
    seen.push({ guard: this, client, user: undefined, pattern: context.switchToWs().getPattern() });
    return true;
  }
}

@Injectable({ scope: Scope.TRANSIENT })
class TransientGuard extends SharedGuard {
  readonly isMade = true;
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
    const client = await app.connect(path, { headers: as('ada-token') });
    await client.ask('whoami');
    await client.ask('whoami');
    const classes = [...new Set(seen.map(({ guard }) => guard.constructor))];
    return classes.map(
      (type) => new Set(seen.flatMap(({ guard }) => (guard.constructor === type ? [guard] : []))),
    );
  };

  it('is the same at the upgrade and at messages', async () => {
    const app = await startApp({ providers: [SharedGateway] });
    const [shared] = await instances(app, '/shared');
    expect(shared?.size).toBe(1);
  });

  it('is one of its own at the upgrade where the guard is transient', async () => {
    const app = await startApp({ providers: [SharedGateway] });
    await instances(app, '/shared');
    await instances(app, '/shared');
    const made = seen.filter(({ guard }) => guard instanceof TransientGuard);
    const isMade = (pattern: string) =>
      made.filter((asked) => asked.pattern === pattern).map(({ guard }) => Reflect.get(guard, 'isMade'));
    expect(isMade('$upgrade')).toEqual([true, true]);
    expect(new Set(made.flatMap(({ guard, pattern }) => (pattern === '$upgrade' ? [guard] : []))).size).toBe(
      2,
    );
    // what holds in Nest, 11 and 12: messages ask an object whose constructor never ran
    expect(isMade('whoami')).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is the same where the class is a provider of its module, too', async () => {
    const app = await startApp({ providers: [TwiceGateway, SharedGateway, RoleGuard, SharedGuard, Users] });
    const [guards] = await instances(app, '/twice');
    expect(guards?.size).toBe(NEST_MAJOR === 12 ? 1 : 2);
    seen = [];
    const [shared] = await instances(app, '/shared');
    expect(shared?.size).toBe(1);
  });
});
