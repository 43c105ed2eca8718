import {
  Injectable,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade, freePort } from '../support/upgrade.js';

/** The names of the guards that ran, each with its pattern. */
let calls: string[] = [];
beforeEach(() => {
  calls = [];
});

/** Refuses clients that name this guard in `?refuse=`. */
function guard(name: string): Type<CanActivate> {
  @Injectable()
  class NamedGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const client: EnvelopeSocket = context.switchToWs().getClient();
      calls.push(`${name} ${context.switchToWs().getPattern()}`);
      return client.query['refuse'] !== name;
    }
  }
  Object.defineProperty(NamedGuard, 'name', { value: `${name}Guard` });
  return NamedGuard;
}

const [OfClass, OfHook, Second, OfBase, OfOther, OfMessage] = [
  'OfClass',
  'OfHook',
  'Second',
  'OfBase',
  'OfOther',
  'OfMessage',
].map(guard) as [
  Type<CanActivate>,
  Type<CanActivate>,
  Type<CanActivate>,
  Type<CanActivate>,
  Type<CanActivate>,
  Type<CanActivate>,
];

@UseGuards(OfClass)
@WebSocketGateway({ path: '/class' })
class ClassGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

@WebSocketGateway({ path: '/hook' })
class HookGateway {
  @UseGuards(OfHook)
  handleConnection(): void {
    calls.push('connected');
  }
  @SubscribeMessage('echo')
  echo(): void {}
}

@UseGuards(OfClass, Second)
@WebSocketGateway({ path: '/both' })
class BothGateway {
  @UseGuards(OfHook)
  handleConnection(): void {
    calls.push('connected');
  }
  @UseGuards(OfMessage)
  @SubscribeMessage('echo')
  echo(): void {}
}

@WebSocketGateway({ path: '/message' })
class MessageGateway {
  handleConnection(): void {
    calls.push('connected');
  }
  @UseGuards(OfMessage)
  @SubscribeMessage('echo')
  echo(): void {}
}

const start = (gateways: Type[], upgradeGuards?: EnvelopeOptions['upgradeGuards']): Promise<TestApp> =>
  startApp({ providers: gateways }, { adapter: upgradeGuards === undefined ? {} : { upgradeGuards } });

/** Connects and sends one message. */
async function connectAndSend(app: TestApp, path: string): Promise<string[]> {
  const client = await app.connect(path);
  await client.ask('echo');
  return calls.splice(0);
}

describe('guards at the upgrade', () => {
  expectNoUnhandledErrors();

  it('are those of the class', async () => {
    const app = await start([ClassGateway]);
    expect(await connectAndSend(app, '/class')).toEqual(['OfClass $upgrade', 'OfClass echo']);
    expect((await requestUpgrade(app.port, '/class?refuse=OfClass')).status).toBe(403);
  });

  it('are those of handleConnection, which do not run for messages', async () => {
    const app = await start([HookGateway]);
    expect(await connectAndSend(app, '/hook')).toEqual(['OfHook $upgrade', 'connected']);
    expect((await requestUpgrade(app.port, '/hook?refuse=OfHook')).status).toBe(403);
    expect(calls).toEqual(['OfHook $upgrade']);
  });

  it('are those of both, the class first', async () => {
    const app = await start([BothGateway]);
    expect(await connectAndSend(app, '/both')).toEqual([
      'OfClass $upgrade',
      'Second $upgrade',
      'OfHook $upgrade',
      'connected',
      'OfClass echo',
      'Second echo',
      'OfMessage echo',
    ]);
    for (const [name, count] of Object.entries({ OfClass: 1, Second: 2, OfHook: 3 })) {
      expect((await requestUpgrade(app.port, `/both?refuse=${name}`)).status).toBe(403);
      // Guards after the refusal do not run.
      expect(calls.splice(0)).toHaveLength(count);
    }
    expect(app.log.of('log').join()).toContain('OfClassGuard, SecondGuard, OfHookGuard at the upgrade');
  });

  it('are not those of a message', async () => {
    const app = await start([MessageGateway]);
    expect(await connectAndSend(app, '/message')).toEqual(['connected', 'OfMessage echo']);
    expect(app.log.of('log').join()).not.toContain('at the upgrade');
  });

  it("are only those of handleConnection with upgradeGuards: 'handleConnection'", async () => {
    const app = await start([BothGateway, ClassGateway], 'handleConnection');
    expect((await connectAndSend(app, '/both')).slice(0, 3)).toEqual([
      'OfHook $upgrade',
      'connected',
      'OfClass echo',
    ]);
    expect(await connectAndSend(app, '/class')).toEqual(['OfClass echo']);
    expect((await requestUpgrade(app.port, '/both?refuse=OfHook')).status).toBe(403);
    expect(app.log.of('log').join()).toContain('; OfHookGuard at the upgrade');
  });

  it('are none with upgradeGuards: false', async () => {
    const app = await start([BothGateway], false);
    expect((await connectAndSend(app, '/both?refuse=OfHook')).slice(0, 2)).toEqual([
      'connected',
      'OfClass echo',
    ]);
    expect(app.log.of('log').join()).not.toContain('at the upgrade');
  });
});

@WebSocketGateway({ path: '/both' })
class NeighbourGateway {
  @UseGuards(OfOther)
  handleConnection(): void {
    calls.push('connected to the neighbour');
  }
}
@WebSocketGateway({ path: '/', namespace: 'both' })
class OpenNeighbourGateway {
  @SubscribeMessage('open')
  open(): string {
    return 'open';
  }
}

describe('gateways that share a path', () => {
  expectNoUnhandledErrors();

  it('must all accept a client', async () => {
    const app = await start([BothGateway, NeighbourGateway, OpenNeighbourGateway]);
    for (const name of ['OfClass', 'OfHook', 'OfOther'])
      expect((await requestUpgrade(app.port, `/both?refuse=${name}`)).status).toBe(403);
    expect(calls).not.toContain('connected');
    expect(calls).not.toContain('connected to the neighbour');
    expect(countResources(app)).toEqual(NO_RESOURCES);
    calls = [];
    await app.connect('/both');
    expect(calls.filter((entry) => entry.endsWith('$upgrade'))).toHaveLength(4);
    expect(calls.slice(4).sort()).toEqual(['connected', 'connected to the neighbour']);
  });

  it('do not affect other paths', async () => {
    const app = await start([BothGateway, MessageGateway]);
    await app.connect('/message?refuse=OfClass');
    expect(calls).toEqual(['connected']);
  });
});

@UseGuards(OfBase)
class BaseGateway {
  @UseGuards(OfHook)
  handleConnection(): void {
    calls.push('connected');
  }
  @SubscribeMessage('echo')
  echo(): void {}
}
@WebSocketGateway({ path: '/derived' })
class DerivedGateway extends BaseGateway {}

@UseGuards(OfClass)
@WebSocketGateway({ path: '/overriding' })
class OverridingGateway extends BaseGateway {
  @UseGuards(Second)
  override handleConnection(): void {
    super.handleConnection();
  }
}

/** Its guards are instances, like `@UseGuards(new RoleGuard('admin'))`. */
@UseGuards(new (guard('Instance'))())
@WebSocketGateway({ path: '/instance' })
class InstanceGateway {
  @UseGuards({ canActivate: () => calls.push('plain') > 0 })
  handleConnection(): void {}
  @SubscribeMessage('echo')
  echo(): void {}
}

describe('guards are found', () => {
  expectNoUnhandledErrors();

  it('on the base class', async () => {
    const app = await start([DerivedGateway]);
    expect(await connectAndSend(app, '/derived')).toEqual([
      'OfBase $upgrade',
      'OfHook $upgrade',
      'connected',
      'OfBase echo',
    ]);
    expect((await requestUpgrade(app.port, '/derived?refuse=OfBase')).status).toBe(403);
    expect((await requestUpgrade(app.port, '/derived?refuse=OfHook')).status).toBe(403);
  });

  it('on both classes, like for messages; an overridden hook has only its own guards', async () => {
    const app = await start([OverridingGateway]);
    const sequence = await connectAndSend(app, '/overriding');
    const atMessages = sequence
      .filter((entry) => entry.endsWith(' echo'))
      .map((entry) => entry.split(' ')[0]);
    expect(atMessages).toContain('OfClass');
    expect(sequence).toEqual([
      ...atMessages.map((name) => `${name} $upgrade`),
      'Second $upgrade',
      'connected',
      ...atMessages.map((name) => `${name} echo`),
    ]);
  });

  it('as instances', async () => {
    const app = await start([InstanceGateway]);
    expect(await connectAndSend(app, '/instance')).toEqual(['Instance $upgrade', 'plain', 'Instance echo']);
    expect((await requestUpgrade(app.port, '/instance?refuse=Instance')).status).toBe(403);
    expect(app.log.of('log').join()).toContain('InstanceGuard, Object at the upgrade');
  });

  it('on a separate port', async () => {
    const port = await freePort();
    @UseGuards(OfClass)
    @WebSocketGateway(port, { path: '/own' })
    class OwnPortGateway {
      @SubscribeMessage('echo')
      echo(): void {}
    }
    const app = await start([OwnPortGateway]);
    expect((await requestUpgrade(port, '/own?refuse=OfClass')).status).toBe(403);
    const client = await app.connect('/own', { port });
    await client.ask('echo');
    expect(calls).toEqual(['OfClass $upgrade', 'OfClass $upgrade', 'OfClass echo']);
  });
});

/** A typical guard for HTTP routes: it reads the request, and refuses without a session. */
@Injectable()
class HttpGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    calls.push(`http ${context.getType()}`);
    if (context.getType() !== 'http') return true;
    throw new UnauthorizedException('no session');
  }
}
@Injectable()
class StrictHttpGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    calls.push('strict');
    throw new UnauthorizedException(`no session in ${context.getType()}`);
  }
}

describe('a global guard for HTTP', () => {
  expectNoUnhandledErrors();

  it.each([HttpGuard, StrictHttpGuard])('does not run at the upgrade: %p', async (useClass) => {
    const app = await startApp({
      providers: [MessageGateway, ClassGateway, { provide: APP_GUARD, useClass }],
    });
    await app.connect('/message');
    await app.connect('/class');
    expect(calls).toEqual(['connected', 'OfClass $upgrade']);
  });

  it('does not run at the upgrade either when set by useGlobalGuards', async () => {
    const app = await startApp(
      { providers: [MessageGateway] },
      { before: (nest) => nest.useGlobalGuards(new StrictHttpGuard()) },
    );
    await app.connect('/message');
    expect(calls).toEqual(['connected']);
  });
});
