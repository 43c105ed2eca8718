import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

declare const NEST_MAJOR: 11 | 12;

let calls: string[] = [];
let created = 0;
beforeEach(() => {
  calls = [];
  created = 0;
});

@Injectable({ scope: Scope.REQUEST })
class Session {
  readonly number = ++created;
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

@WebSocketGateway({ path: '/scoped' })
class ScopedGateway {
  @WebSocketServer() server!: EnvelopeServer;
  // Nest 11 calls request-scoped gateways on an object without its dependencies.
  constructor(@Inject(Session) readonly session: Session | undefined) {}
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (client.handshake.query['refuse'] !== undefined) throw new WsException('refused');
    calls.push(`connected ${client.rooms.size}`);
  }
  handleDisconnect(_: EnvelopeSocket, reason: string): void {
    calls.push(reason);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    calls.push('echo');
    return data;
  }
  @SubscribeMessage('session')
  session_(@ConnectedSocket() client: EnvelopeSocket): unknown {
    const { session } = this;
    return {
      number: session?.number,
      isClient: session?.request === client,
      isServer: this.server !== undefined,
    };
  }
  @SubscribeMessage('boom')
  boom(): void {
    throw new WsException('boom');
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedGuard implements CanActivate {
  constructor(@Inject(Session) readonly session: Session | undefined) {}
  canActivate(context: ExecutionContext): boolean {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    if (NEST_MAJOR === 12) calls.push(`guard ${this.session?.request === client}`);
    return context.switchToWs().getData() !== 'stop';
  }
}

/** Request-scoped because of its guard. */
@UseGuards(ScopedGuard)
@WebSocketGateway({ path: '/guarded' })
class GuardedGateway {
  async handleConnection(): Promise<void> {
    calls.push('connected');
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

/** Has no hooks. */
@WebSocketGateway({ path: '/hookless' })
class HooklessGateway {
  constructor(readonly session: Session) {}
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

@Injectable({ scope: Scope.REQUEST })
class Refused {
  constructor() {
    throw new WsException('cannot be created');
  }
}
@Injectable({ scope: Scope.REQUEST })
class Broken {
  constructor() {
    throw new Error('secret');
  }
}

@WebSocketGateway({ path: '/refused' })
class RefusedGateway {
  constructor(readonly refused: Refused) {}
  handleConnection(): void {
    calls.push('connected');
  }
  handleDisconnect(): void {
    calls.push('disconnected');
  }
}
@WebSocketGateway({ path: '/broken' })
class BrokenGateway {
  constructor(readonly broken: Broken) {}
  handleConnection(): void {
    calls.push('connected');
  }
}
@WebSocketGateway({ path: '/hookless-refused' })
class HooklessRefusedGateway {
  constructor(readonly refused: Refused) {}
  @SubscribeMessage('echo')
  echo(): string {
    return 'echo';
  }
}

@Catch()
class OwnFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<EnvelopeSocket>().emit('exception', { own: true });
  }
}
@UseFilters(new OwnFilter())
@WebSocketGateway({ path: '/filtered-refused' })
class FilteredRefusedGateway {
  constructor(readonly refused: Refused) {}
  handleConnection(): void {
    calls.push('connected');
  }
}

expectNoUnhandledErrors();

describe('request-scoped gateways', () => {
  it('answer, and delay messages until an asynchronous handleConnection settles', async () => {
    const app = await startApp({ providers: [ScopedGateway, Session] });
    const client = await app.connect('/scoped');
    client.send({ event: 'echo', data: 1 });
    expect(await client.ask('echo', 'x', 1)).toEqual({ event: 'echo', data: 'x', ack: 1 });
    expect(await client.ask('boom', 'x', 2)).toMatchObject({
      event: 'exception',
      data: { message: 'boom' },
      ack: 2,
    });
    client.close(1000);
    await until('handleDisconnect', () => calls.length === 4);
    expect(calls).toEqual(['connected 1', 'echo', 'echo', 'client namespace disconnect']);
  });

  it('can refuse a client in handleConnection', async () => {
    const app = await startApp({ providers: [ScopedGateway, Session] });
    const client = await app.connect('/scoped?refuse');
    client.ws.on('error', () => undefined);
    expect(await client.ended()).toEqual({ code: 1008, reason: 'refused' });
    expect(client.frames).toEqual([{ event: 'exception', data: { status: 'error', message: 'refused' } }]);
    await until('handleDisconnect', () => calls.length === 1);
    expect(calls).toEqual(['server namespace disconnect']);
  });

  it('are created once for each client on Nest 12', async () => {
    const app = await startApp({ providers: [ScopedGateway, Session] });
    const [ada, bob] = [await app.connect('/scoped'), await app.connect('/scoped')];
    const sessions = [];
    for (const client of [ada, ada, bob]) sessions.push((await client.ask('session')).data);
    if (NEST_MAJOR === 11) {
      for (const session of sessions) expect(session.number).toBeUndefined();
    } else {
      expect(sessions[0]).toEqual(sessions[1]);
      expect(new Set(sessions.map(({ number }) => number)).size).toBe(2);
      for (const session of sessions) expect(session).toMatchObject({ isClient: true, isServer: true });
    }
  });

  it('work without hooks', async () => {
    const app = await startApp({ providers: [HooklessGateway, Session] });
    const client = await app.connect('/hookless');
    expect(await client.ask('echo', 'x', 1)).toEqual({ event: 'echo', data: 'x', ack: 1 });
  });

  it('include those with a request-scoped guard', async () => {
    const app = await startApp({ providers: [GuardedGateway, ScopedGuard, Session] });
    const client = await app.connect('/guarded');
    expect(await client.ask('echo', 'go', 1)).toEqual({ event: 'echo', data: 'go', ack: 1 });
    expect((await client.ask('echo', 'stop', 2)).data).toMatchObject({ message: 'Forbidden resource' });
    // The guard ran at the upgrade first.
    expect(calls).toEqual(
      NEST_MAJOR === 12 ? ['guard true', 'connected', 'guard true', 'guard true'] : ['connected'],
    );
  });

  it('can share a path with other gateways', async () => {
    @WebSocketGateway({ path: '/scoped' })
    class StaticGateway {
      @SubscribeMessage('static')
      static(): string {
        return 'static';
      }
    }
    const app = await startApp({ providers: [StaticGateway, ScopedGateway, Session] });
    const client = await app.connect('/scoped');
    expect((await client.ask('static')).data).toBe('static');
    expect((await client.ask('echo', 1)).data).toBe(1);
    expect(calls).toEqual(['connected 1', 'echo']);
  });
});

// Nest 11 never creates the dependencies, so nothing fails there.
(NEST_MAJOR === 12 ? describe : describe.skip)(
  'request-scoped gateways with a dependency that throws (Nest 12 only: Nest 11 never creates it)',
  () => {
    const providers = [RefusedGateway, BrokenGateway, HooklessRefusedGateway, FilteredRefusedGateway];
    const start = () => startApp({ providers: [...providers, Refused, Broken] });

    it.each([
      ['/refused', 1008, 'cannot be created'],
      ['/broken', 1011, 'Internal server error'],
    ])('refuse the client: %s', async (path, code, message) => {
      const app = await start();
      const client = await app.connect(`${path}?token=t0ken`, { headers: { cookie: 'c=t0ken' } });
      expect((await client.ended()).code).toBe(code);
      expect(client.frames).toEqual([{ event: 'exception', data: { status: 'error', message } }]);
      expect(calls).toEqual([]);
      expect(app.log.of('error')).toHaveLength(code === 1011 ? 1 : 0);
    });

    it('refuse the client even without hooks', async () => {
      const app = await start();
      const client = await app.connect('/hookless-refused');
      client.send({ event: 'echo', id: 1 });
      expect((await client.ended()).code).toBe(1008);
    });

    it('refuse the client even if a filter of the gateway handles the error', async () => {
      const app = await start();
      const client = await app.connect('/filtered-refused');
      expect((await client.ended()).code).toBe(1008);
      expect(client.frames).toEqual([{ event: 'exception', data: { own: true } }]);
      expect(calls).toEqual([]);
    });
  },
);
