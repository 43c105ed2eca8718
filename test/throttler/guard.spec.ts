import {
  Controller,
  Get,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type ModuleMetadata,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { SkipThrottle, Throttle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { EnvelopeThrottlerGuard } from '../../lib/throttler/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

declare const NEST_MAJOR: 11 | 12;

const HOUR = 3_600_000;

@UseGuards(EnvelopeThrottlerGuard)
@WebSocketGateway({ path: '/ws' })
class ThrottledGateway {
  @Throttle({ default: { limit: 5, ttl: HOUR } })
  handleConnection(): void {}
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data ?? 'nothing';
  }
  @SubscribeMessage('other')
  other(): string {
    return 'other';
  }
  @SkipThrottle()
  @SubscribeMessage('unlimited')
  unlimited(): string {
    return 'unlimited';
  }
}

const throttled = (limit = 3): Required<Pick<ModuleMetadata, 'imports'>> => ({
  imports: [ThrottlerModule.forRoot([{ limit, ttl: HOUR }])],
});
const start = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ ...throttled(), providers: [ThrottledGateway] }, { adapter });

const TOO_MANY = { statusCode: 429, message: 'ThrottlerException: Too Many Requests' };

describe('EnvelopeThrottlerGuard', () => {
  expectNoUnhandledErrors();

  it('refuses an upgrade over the limit with 429 and a Retry-After header', async () => {
    const app = await start();
    for (let times = 0; times < 5; times++) expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
    const answer = await requestUpgrade(app.port, '/ws');
    expect(answer.status).toBe(429);
    expect(JSON.parse(answer.body)).toEqual(TOO_MANY);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(3_000);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(3_600);
    await until('the disconnect of the other clients', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(app.log.of('error')).toEqual([]);
  });

  it.each<[string, object]>([
    ['data', { data: { header: 1, setHeader: 'x' } }],
    ['no data', {}],
    ['null', { data: null }],
    ['a list', { data: [1] }],
  ])('answers a message over the limit with an exception: one with %s', async (_, message) => {
    const app = await start();
    const client = await app.connect('/ws');
    for (let id = 1; id <= 3; id++) {
      client.send({ event: 'echo', id, ...message });
      expect((await client.answer(id)).event).toBe('echo');
    }
    client.send({ event: 'echo', id: 4, ...message });
    expect(await client.answer(4)).toEqual({
      event: 'exception',
      data: { status: 'error', ...TOO_MANY },
      ack: 4,
    });
    client.send({ event: 'echo', ...message });
    expect((await client.next('exception')).data).toMatchObject(TOO_MANY);
    // The guard counts each handler separately, and skips those with SkipThrottle.
    expect((await client.ask('other')).data).toBe('other');
    for (let times = 0; times < 5; times++) expect((await client.ask('unlimited')).data).toBe('unlimited');
    expect(client.closed).toBeUndefined();
  });

  it('counts addresses, not connections', async () => {
    const app = await start({ trustProxy: 'loopback' });
    const from = (address: string) => app.connect('/ws', { headers: { 'X-Forwarded-For': address } });
    const [one, same, other] = [await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.2')];
    for (const client of [one, same, one]) expect((await client.ask('echo')).event).toBe('echo');
    for (const client of [one, same]) expect((await client.ask('echo')).event).toBe('exception');
    expect((await other.ask('echo')).event).toBe('echo');
  });

  it('ignores X-Forwarded-For without trustProxy', async () => {
    const app = await start();
    const headers = (n: number) => ({ 'X-Forwarded-For': `192.0.2.${n}` });
    for (let n = 0; n < 5; n++) expect((await requestUpgrade(app.port, '/ws', headers(n))).status).toBe(101);
    expect((await requestUpgrade(app.port, '/ws', headers(6))).status).toBe(429);
  });

  it('counts $auth as another upgrade', async () => {
    const app = await start();
    const client = await app.connect('/ws');
    const reauthenticate = (id: number) => {
      client.send({ event: '$auth', id, meta: { token: 'fresh' } });
      return client.answer(id);
    };
    for (let id = 1; id <= 4; id++) expect((await reauthenticate(id)).event).toBe('$auth');
    expect(await reauthenticate(5)).toMatchObject({
      event: 'exception',
      data: { status: 'error', ...TOO_MANY },
    });
  });
});

@Controller()
class PageController {
  @Get('page')
  page(): string {
    return 'page';
  }
}
@WebSocketGateway({ path: '/ws' })
class OpenGateway {
  @SubscribeMessage('echo')
  echo(): string {
    return 'echo';
  }
}

describe('EnvelopeThrottlerGuard as a global guard', () => {
  expectNoUnhandledErrors();

  it('throttles HTTP routes like ThrottlerGuard, and gateways wherever Nest runs global guards', async () => {
    const app = await startApp(
      {
        ...throttled(2),
        controllers: [PageController],
        providers: [OpenGateway, { provide: APP_GUARD, useClass: EnvelopeThrottlerGuard }],
      },
      { adapter: { upgradeGuards: 'global' } },
    );
    const page = () => fetch(`http://127.0.0.1:${app.port}/page`);
    expect((await page()).headers.get('x-ratelimit-limit')).toBe('2');
    expect((await page()).status).toBe(200);
    const refused = await page();
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    const client = await app.connect('/ws');
    const events = [];
    for (let times = 0; times < 3; times++) events.push((await client.ask('echo')).event);
    // Nest 11 runs no global guards for messages.
    expect(events).toEqual(['echo', 'echo', NEST_MAJOR === 12 ? 'exception' : 'echo']);
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(101);
    const answer = await requestUpgrade(app.port, '/ws');
    expect([answer.status, Number(answer.headers['retry-after']) > 0]).toEqual([429, true]);
  });
});

/** Shows why the package has its own guard. */
@UseGuards(ThrottlerGuard)
@WebSocketGateway({ path: '/ws' })
class ThrottlerGateway {
  @SubscribeMessage('echo')
  echo(): string {
    return 'echo';
  }
}

describe('ThrottlerGuard of @nestjs/throttler', () => {
  it('fails for a message without data', async () => {
    const app = await startApp({ ...throttled(), providers: [ThrottlerGateway] });
    const client = await app.connect('/ws');
    expect((await client.ask('echo', { some: 'data' })).event).toBe('echo');
    expect((await client.ask('echo')).data).toMatchObject({ message: 'Internal server error' });
  });
});

class HeaderGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const response = context.switchToHttp().getResponse();
    const set = JSON.parse(String(client.query['set'])) as [string, string | string[]][];
    for (const [name, value] of set) response.setHeader(name, value);
    return client.query['pass'] !== undefined;
  }
}
@UseGuards(HeaderGuard)
@WebSocketGateway({ path: '/ws' })
class HeaderGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

describe('headers that a guard sets', () => {
  expectNoUnhandledErrors();

  const ask = async (set: [string, string | string[]][], rest = '') => {
    const app = await startApp({ providers: [HeaderGateway] });
    return requestUpgrade(app.port, `/ws?set=${encodeURIComponent(JSON.stringify(set))}${rest}`);
  };

  it('are sent with its refusal', async () => {
    const answer = await ask([
      ['WWW-Authenticate', 'Bearer realm="chat"'],
      ['x-many', ['a', 'b']],
      ['X-Many', ['c', 'd']],
    ]);
    expect(answer.status).toBe(403);
    expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer realm="chat"', 'x-many': 'c, d' });
  });

  it('do not change the framing of the answer', async () => {
    const answer = await ask([
      ['Content-Length', '1'],
      ['transfer-encoding', 'chunked'],
      ['Connection', 'keep-alive'],
      ['content-type', 'text/html'],
    ]);
    expect(answer.headers).toEqual({
      connection: 'close',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(answer.body.length),
    });
  });

  it.each<[string, string]>([
    ['X-Split', 'a\r\nSet-Cookie: sid=evil'],
    ['X Name', 'a'],
    ['X-Name\r\nSet-Cookie: sid', 'a'],
    ['', 'a'],
  ])('cannot add further headers: %j', async (name, value) => {
    const answer = await ask([[name, value]]);
    expect(answer.status).toBe(500);
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });

  it('are not sent when the client connects', async () => {
    const answer = await ask([['X-Custom', 'yes']], '&pass');
    expect(answer.status).toBe(101);
    expect(answer.headers).not.toHaveProperty('x-custom');
  });
});
