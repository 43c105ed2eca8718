import { createServer } from 'node:http';
import {
  Injectable,
  SetMetadata,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type AppOptions } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

let contexts: ExecutionContext[] = [];
let handlers: unknown[] = [];
let steps: [where: string, client: EnvelopeSocket, user: unknown, marks: string[]][] = [];
beforeEach(() => {
  contexts = [];
  handlers = [];
  steps = [];
});

function record(where: string, client: EnvelopeSocket): void {
  steps.push([where, client, client.user, [...client.data.marks]]);
}

@Injectable()
class ContextGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}
  canActivate(context: ExecutionContext): boolean {
    contexts.push(context);
    handlers.push(context.getHandler());
    const client: EnvelopeSocket = context.switchToWs().getClient();
    client.user ??= { name: 'ada' };
    const mark = this.reflector.getAllAndMerge<string[]>('mark', [context.getClass(), context.getHandler()]);
    (client.data.marks ??= []).push(mark.join('+'));
    record(`guard ${context.switchToWs().getPattern()}`, client);
    return true;
  }
}

const Mark = (mark: string) => SetMetadata('mark', [mark]);

@Mark('gateway')
@UseGuards(ContextGuard)
@WebSocketGateway({ path: '/ws' })
class ContextGateway {
  @WebSocketServer() server!: EnvelopeServer;
  afterInit(server: EnvelopeServer): void {
    server.use((client, next) => {
      record('middleware', client);
      next();
    });
  }
  @Mark('hook')
  handleConnection(client: EnvelopeSocket): void {
    record('handleConnection', client);
  }
  @Mark('echo')
  @SubscribeMessage('echo')
  echo(@ConnectedSocket() client: EnvelopeSocket): void {
    record('handler', client);
  }
}

@Mark('hookless')
@UseGuards(ContextGuard)
@WebSocketGateway({ path: '/hookless' })
class HooklessGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

describe("a guard's context at the upgrade", () => {
  expectNoUnhandledErrors();

  it('is like the one for a message, with empty data', async () => {
    const app = await startApp({ providers: [ContextGateway] });
    await app.connect('/ws?x=1', { headers: { Cookie: 'sid=s1d', 'X-Custom': 'yes' } });
    const context = contexts[0]!;
    const ws = context.switchToWs();
    const client: EnvelopeSocket = ws.getClient();
    expect(client).toBeInstanceOf(EnvelopeSocket);
    expect(context.getType()).toBe('ws');
    expect(context.getClass()).toBe(ContextGateway);
    expect(ws.getData()).toEqual({});
    expect(ws.getPattern()).toBe('$upgrade');
    expect(context.getArgs()).toEqual([client, {}, '$upgrade']);
    expect(context.getArgByIndex(0)).toBe(client);
    expect(context.getArgByIndex(3)).toBeUndefined();
    expect(context.switchToRpc().getContext()).toBe(client);
    expect(context.switchToRpc().getData()).toEqual({});
    // Code that reads HTTP requests finds all properties on the client.
    const request = context.switchToHttp().getRequest();
    expect(request).toBe(client);
    expect(request).toMatchObject({ url: '/ws?x=1', query: { x: '1' }, ip: '127.0.0.1' });
    expect(request.headers).toMatchObject({ 'x-custom': 'yes', cookie: 'sid=s1d' });
    expect(request.cookies).toEqual({ sid: 's1d' });
    expect(context.switchToHttp().getResponse()).toBeDefined();
  });

  it('has the handler with its metadata', async () => {
    const app = await startApp({ providers: [ContextGateway, HooklessGateway] });
    await app.connect('/ws');
    expect(Reflect.getMetadata('mark', handlers[0] as object)).toEqual(['hook']);
    expect((handlers[0] as () => void).name).toBe('handleConnection');
    await app.connect('/hookless');
    // Without a hook it is an empty function, so that metadata lookups work.
    expect(typeof handlers.at(-1)).toBe('function');
    expect(steps.at(-1)?.[3]).toEqual(['hookless']);
  });

  it('has the client of all later steps, with what the guard set', async () => {
    const app = await startApp({ providers: [ContextGateway] });
    const client = await app.connect('/ws');
    await client.ask('echo');
    expect(steps.map(([where]) => where)).toEqual([
      'guard $upgrade',
      'middleware',
      'handleConnection',
      'guard echo',
      'handler',
    ]);
    const [[, socket, user]] = steps as [(typeof steps)[number]];
    for (const [, seen, seenUser] of steps) {
      expect(seen).toBe(socket);
      expect(seenUser).toBe(user);
    }
    expect(steps.map(([, , , marks]) => marks)).toEqual([
      ['gateway+hook'],
      ['gateway+hook'],
      ['gateway+hook'],
      ['gateway+hook', 'gateway+echo'],
      ['gateway+hook', 'gateway+echo'],
    ]);
    const server = app.nest.get(ContextGateway).server;
    expect([...server.sockets.values()]).toEqual([socket]);
    const [remote] = await server.fetchSockets();
    expect(remote?.data).toEqual(socket.data);
  });

  it('shares no data between clients', async () => {
    const app = await startApp({ providers: [ContextGateway] });
    await app.connect('/ws');
    await app.connect('/ws');
    const [first, second] = contexts.map((context) => context.switchToWs().getClient<EnvelopeSocket>());
    expect(second).not.toBe(first);
    expect(second?.data).not.toBe(first?.data);
    expect(second?.data.marks).toEqual(['gateway+hook']);
  });
});

@Injectable()
class RefusingGuard implements CanActivate {
  canActivate(): boolean {
    throw new UnauthorizedException();
  }
}
@UseGuards(RefusingGuard)
@WebSocketGateway({ path: '/ws' })
class ClosedGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

describe('overrideGuard of @nestjs/testing', () => {
  expectNoUnhandledErrors();

  it('applies at the upgrade and to messages', async () => {
    const patterns: string[] = [];
    const guard: CanActivate = {
      canActivate: (context) => patterns.push(context.switchToWs().getPattern()) > 0,
    };
    const override: AppOptions = {
      override: (builder) => builder.overrideGuard(RefusingGuard).useValue(guard),
    };
    const closed = await startApp({ providers: [ClosedGateway] });
    expect((await requestUpgrade(closed.port, '/ws')).status).toBe(401);
    const app = await startApp({ providers: [ClosedGateway] }, override);
    const client = await app.connect('/ws');
    await client.ask('echo');
    expect(patterns).toEqual(['$upgrade', 'echo']);
  });

  it('can refuse as well', async () => {
    const guard: CanActivate = { canActivate: () => false };
    const override: AppOptions = {
      override: (builder) => builder.overrideGuard(ContextGuard).useValue(guard),
    };
    const app = await startApp({ providers: [ContextGateway] }, override);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(403);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});

describe('an adapter without the application', () => {
  it.each([
    ['undefined', undefined],
    ['an HTTP server', createServer()],
    ['an empty object', {}],
  ])('cannot be created with %s, because it would not find the guards', (_, application) => {
    expect(() => new EnvelopeAdapter(application)).toThrow(
      /new EnvelopeAdapter\(app\).*upgradeGuards: false/,
    );
    expect(() => new EnvelopeAdapter(application, { upgradeGuards: 'handleConnection' })).toThrow(/guards/);
    expect(() => new EnvelopeAdapter(application, { upgradeGuards: false })).not.toThrow();
  });
});
