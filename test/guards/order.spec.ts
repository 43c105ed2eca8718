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
import { askForUpgrade, freePort } from '../support/upgrade.js';

/** Who was asked, about what. */
let asked: string[] = [];
beforeEach(() => {
  asked = [];
});

/** Refuses who names it in `?refuse=`. */
function guard(name: string): Type<CanActivate> {
  @Injectable()
  class NamedGuard implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const client: EnvelopeSocket = context.switchToWs().getClient();
      asked.push(`${name} ${context.switchToWs().getPattern()}`);
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
    asked.push('connected');
  }
  @SubscribeMessage('echo')
  echo(): void {}
}

@UseGuards(OfClass, Second)
@WebSocketGateway({ path: '/both' })
class BothGateway {
  @UseGuards(OfHook)
  handleConnection(): void {
    asked.push('connected');
  }
  @UseGuards(OfMessage)
  @SubscribeMessage('echo')
  echo(): void {}
}

@WebSocketGateway({ path: '/message' })
class MessageGateway {
  handleConnection(): void {
    asked.push('connected');
  }
  @UseGuards(OfMessage)
  @SubscribeMessage('echo')
  echo(): void {}
}

const start = (gateways: Type[], upgradeGuards?: EnvelopeOptions['upgradeGuards']): Promise<TestApp> =>
  startApp({ providers: gateways }, { adapter: upgradeGuards === undefined ? {} : { upgradeGuards } });

/** Connects and sends one message. */
async function visit(app: TestApp, path: string): Promise<string[]> {
  const client = await app.connect(path);
  await client.ask('echo');
  return asked.splice(0);
}

describe('guards run before the 101', () => {
  expectNoUnhandledErrors();

  it('of the class', async () => {
    const app = await start([ClassGateway]);
    expect(await visit(app, '/class')).toEqual(['OfClass $upgrade', 'OfClass echo']);
    expect((await askForUpgrade(app.port, '/class?refuse=OfClass')).status).toBe(403);
  });

  it('of handleConnection, which messages know nothing of', async () => {
    const app = await start([HookGateway]);
    expect(await visit(app, '/hook')).toEqual(['OfHook $upgrade', 'connected']);
    expect((await askForUpgrade(app.port, '/hook?refuse=OfHook')).status).toBe(403);
    expect(asked).toEqual(['OfHook $upgrade']);
  });

  it('of both, those of the class first', async () => {
    const app = await start([BothGateway]);
    expect(await visit(app, '/both')).toEqual([
      'OfClass $upgrade',
      'Second $upgrade',
      'OfHook $upgrade',
      'connected',
      'OfClass echo',
      'Second echo',
      'OfMessage echo',
    ]);
    for (const [name, count] of Object.entries({ OfClass: 1, Second: 2, OfHook: 3 })) {
      expect((await askForUpgrade(app.port, `/both?refuse=${name}`)).status).toBe(403);
      // who comes after the refusal is not asked
      expect(asked.splice(0)).toHaveLength(count);
    }
    expect(app.log.of('log').join()).toContain('OfClassGuard, SecondGuard, OfHookGuard at the upgrade');
  });

  it('but not of a message', async () => {
    const app = await start([MessageGateway]);
    expect(await visit(app, '/message')).toEqual(['connected', 'OfMessage echo']);
    expect(app.log.of('log').join()).not.toContain('at the upgrade');
  });

  it("of handleConnection alone with upgradeGuards: 'handleConnection'", async () => {
    const app = await start([BothGateway, ClassGateway], 'handleConnection');
    expect((await visit(app, '/both')).slice(0, 3)).toEqual(['OfHook $upgrade', 'connected', 'OfClass echo']);
    expect(await visit(app, '/class')).toEqual(['OfClass echo']);
    expect((await askForUpgrade(app.port, '/both?refuse=OfHook')).status).toBe(403);
    expect(app.log.of('log').join()).toContain('; OfHookGuard at the upgrade');
  });

  it('none with upgradeGuards: false', async () => {
    const app = await start([BothGateway], false);
    expect((await visit(app, '/both?refuse=OfHook')).slice(0, 2)).toEqual(['connected', 'OfClass echo']);
    expect(app.log.of('log').join()).not.toContain('at the upgrade');
  });
});

@WebSocketGateway({ path: '/both' })
class NeighbourGateway {
  @UseGuards(OfOther)
  handleConnection(): void {
    asked.push('connected next door');
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

  it('must all let a client in', async () => {
    const app = await start([BothGateway, NeighbourGateway, OpenNeighbourGateway]);
    for (const name of ['OfClass', 'OfHook', 'OfOther'])
      expect((await askForUpgrade(app.port, `/both?refuse=${name}`)).status).toBe(403);
    expect(asked).not.toContain('connected');
    expect(asked).not.toContain('connected next door');
    expect(countResources(app)).toEqual(NO_RESOURCES);
    asked = [];
    await app.connect('/both');
    expect(asked.filter((entry) => entry.endsWith('$upgrade'))).toHaveLength(4);
    expect(asked.slice(4).sort()).toEqual(['connected', 'connected next door']);
  });

  it('are no concern of other paths', async () => {
    const app = await start([BothGateway, MessageGateway]);
    await app.connect('/message?refuse=OfClass');
    expect(asked).toEqual(['connected']);
  });
});

@UseGuards(OfBase)
class BaseGateway {
  @UseGuards(OfHook)
  handleConnection(): void {
    asked.push('connected');
  }
  @SubscribeMessage('echo')
  echo(): void {}
}
@WebSocketGateway({ path: '/heir' })
class HeirGateway extends BaseGateway {}

@UseGuards(OfClass)
@WebSocketGateway({ path: '/elder' })
class ElderGateway extends BaseGateway {
  @UseGuards(Second)
  override handleConnection(): void {
    super.handleConnection();
  }
}

/** Its guards are instances, as `@UseGuards(new RoleGuard('admin'))` has them. */
@UseGuards(new (guard('Instance'))())
@WebSocketGateway({ path: '/instance' })
class InstanceGateway {
  @UseGuards({ canActivate: () => asked.push('plain') > 0 })
  handleConnection(): void {}
  @SubscribeMessage('echo')
  echo(): void {}
}

describe('guards come', () => {
  expectNoUnhandledErrors();

  it('from the base class', async () => {
    const app = await start([HeirGateway]);
    expect(await visit(app, '/heir')).toEqual([
      'OfBase $upgrade',
      'OfHook $upgrade',
      'connected',
      'OfBase echo',
    ]);
    expect((await askForUpgrade(app.port, '/heir?refuse=OfBase')).status).toBe(403);
    expect((await askForUpgrade(app.port, '/heir?refuse=OfHook')).status).toBe(403);
  });

  it('from both classes, as Nest puts them together for messages; a hook of its own has guards of its own', async () => {
    const app = await start([ElderGateway]);
    const trail = await visit(app, '/elder');
    const atMessages = trail.filter((entry) => entry.endsWith(' echo')).map((entry) => entry.split(' ')[0]);
    expect(atMessages).toContain('OfClass');
    expect(trail).toEqual([
      ...atMessages.map((name) => `${name} $upgrade`),
      'Second $upgrade',
      'connected',
      ...atMessages.map((name) => `${name} echo`),
    ]);
  });

  it('as instances', async () => {
    const app = await start([InstanceGateway]);
    expect(await visit(app, '/instance')).toEqual(['Instance $upgrade', 'plain', 'Instance echo']);
    expect((await askForUpgrade(app.port, '/instance?refuse=Instance')).status).toBe(403);
    expect(app.log.of('log').join()).toContain('InstanceGuard, Object at the upgrade');
  });

  it('on a port of its own', async () => {
    const port = await freePort();
    @UseGuards(OfClass)
    @WebSocketGateway(port, { path: '/own' })
    class OwnPortGateway {
      @SubscribeMessage('echo')
      echo(): void {}
    }
    const app = await start([OwnPortGateway]);
    expect((await askForUpgrade(port, '/own?refuse=OfClass')).status).toBe(403);
    const client = await app.connect('/own', { port });
    await client.ask('echo');
    expect(asked).toEqual(['OfClass $upgrade', 'OfClass $upgrade', 'OfClass echo']);
  });
});

/** As applications have it for their HTTP routes: it reads the request, and refuses where there is no session. */
@Injectable()
class HttpGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    asked.push(`http ${context.getType()}`);
    if (context.getType() !== 'http') return true;
    throw new UnauthorizedException('no session');
  }
}
@Injectable()
class StrictHttpGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    asked.push('strict');
    throw new UnauthorizedException(`no session in ${context.getType()}`);
  }
}

describe('a global guard that was made for HTTP', () => {
  expectNoUnhandledErrors();

  it.each([HttpGuard, StrictHttpGuard])('has no say at the upgrade: %p', async (useClass) => {
    const app = await startApp({
      providers: [MessageGateway, ClassGateway, { provide: APP_GUARD, useClass }],
    });
    await app.connect('/message');
    await app.connect('/class');
    expect(asked).toEqual(['connected', 'OfClass $upgrade']);
  });

  it('has none either where it was set by useGlobalGuards', async () => {
    const app = await startApp(
      { providers: [MessageGateway] },
      { before: (nest) => nest.useGlobalGuards(new StrictHttpGuard()) },
    );
    await app.connect('/message');
    expect(asked).toEqual(['connected']);
  });
});
