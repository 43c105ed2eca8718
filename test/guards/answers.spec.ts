import {
  BadRequestException,
  ForbiddenException,
  HttpException,
  ServiceUnavailableException,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { EMPTY, from, map, of, throwError, timer } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';

type Act = (client: EnvelopeSocket) => ReturnType<CanActivate['canActivate']>;

const fail =
  (error: unknown): Act =>
  () => {
    throw error;
  };
const SECRET = 'the database is at 10.1.2.3';
const circular: Record<string, unknown> = { name: 'circular' };
circular['self'] = circular;

/** What the guard does, and the answer to the client. */
const REFUSALS: Record<string, [act: Act, status: number, body: unknown]> = {
  false: [() => false, 403, { statusCode: 403, message: 'Forbidden resource', error: 'Forbidden' }],
  'a promise of false': [async () => false, 403, expect.objectContaining({ message: 'Forbidden resource' })],
  'an Observable of false': [() => of(false), 403, expect.objectContaining({ statusCode: 403 })],
  'an Observable whose last value is false': [() => from([true, false]), 403, expect.anything()],
  'a falsy value': [() => undefined as unknown as boolean, 403, expect.anything()],
  'a late Observable of false': [() => timer(1).pipe(map(() => false)), 403, expect.anything()],

  'an UnauthorizedException': [
    fail(new UnauthorizedException()),
    401,
    { statusCode: 401, message: 'Unauthorized' },
  ],
  'an UnauthorizedException with a message': [
    fail(new UnauthorizedException('who?')),
    401,
    { statusCode: 401, message: 'who?', error: 'Unauthorized' },
  ],
  'a ForbiddenException': [fail(new ForbiddenException()), 403, { statusCode: 403, message: 'Forbidden' }],
  'a BadRequestException with a list': [
    fail(new BadRequestException(['one', 'two'])),
    400,
    { statusCode: 400, message: ['one', 'two'], error: 'Bad Request' },
  ],
  'an HttpException of 402': [
    fail(new HttpException('pay first', 402)),
    402,
    { statusCode: 402, message: 'pay first' },
  ],
  'an HttpException of 429 with its own body': [
    fail(new HttpException({ slow: 'down', after: [1, 2] }, 429)),
    429,
    { slow: 'down', after: [1, 2] },
  ],
  'a rejection': [
    async () => Promise.reject(new ServiceUnavailableException('later')),
    503,
    { statusCode: 503, message: 'later', error: 'Service Unavailable' },
  ],
  'an Observable that fails': [
    () => throwError(() => new UnauthorizedException('no')),
    401,
    expect.objectContaining({ message: 'no' }),
  ],
  'an HttpException without an error status': [fail(new HttpException('fine', 200)), 403, expect.anything()],
  'a body that JSON cannot serialize': [
    fail(new HttpException(circular, 401)),
    401,
    { statusCode: 401, message: 'Unauthorized', error: 'Unauthorized' },
  ],

  'a WsException': [
    fail(new WsException('no ticket')),
    401,
    { statusCode: 401, message: 'no ticket', error: 'Unauthorized' },
  ],
  'a WsException with an object': [
    fail(new WsException({ message: 'no ticket', hint: 'buy one' })),
    401,
    { statusCode: 401, message: 'no ticket', hint: 'buy one' },
  ],
  'a WsException with its own status': [
    fail(new WsException({ status: 403, message: 'no' })),
    403,
    { statusCode: 403, status: 403, message: 'no' },
  ],
  'a WsException with a string as status': [
    fail(new WsException({ status: 'error', message: 'no' })),
    401,
    { statusCode: 401, status: 'error', message: 'no' },
  ],
  'a WsException of undefined': [
    fail(new WsException(undefined as unknown as string)),
    401,
    { statusCode: 401, message: 'Unauthorized', error: 'Unauthorized' },
  ],
  'a WsException of a number': [
    fail(new WsException(7 as unknown as string)),
    401,
    expect.objectContaining({ statusCode: 401 }),
  ],
};

const INTERNAL = { statusCode: 500, message: 'Internal server error', error: 'Internal Server Error' };
const FAILURES: Record<string, Act> = {
  'an unknown error': fail(new TypeError(SECRET)),
  'a rejection with an unknown error': async () => Promise.reject(new Error(SECRET)),
  'an error with a status': fail(Object.assign(new Error(SECRET), { status: 418, statusCode: 418 })),
  'a string': fail(SECRET),
  nothing: fail(undefined),
  'an Observable without a value': () => EMPTY,
};

const PASSES: Record<string, Act> = {
  true: () => true,
  'a promise of true': async () => true,
  'an Observable of true': () => of(true),
  'a promise of an Observable': (async () => of(true)) as unknown as Act,
  'a late Observable of true': () => timer(1).pipe(map(() => true)),
};

class ActGuard implements CanActivate {
  canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    const name = String(client.query['act']);
    const act = REFUSALS[name]?.[0] ?? FAILURES[name] ?? PASSES[name];
    return act === undefined ? false : act(client);
  }
}

let connected = 0;
@UseGuards(ActGuard)
@WebSocketGateway({ path: '/ws' })
class ActGateway {
  handleConnection(): void {
    connected++;
  }
  @SubscribeMessage('echo')
  echo(): void {}
}

const target = (name: string): string => `/ws?act=${encodeURIComponent(name)}`;

describe('the answer to an upgrade', () => {
  expectNoUnhandledErrors();
  beforeEach(() => {
    connected = 0;
  });

  it.each(Object.keys(REFUSALS))('when the guard returns or throws %s', async (name) => {
    const [, status, body] = REFUSALS[name]!;
    const app = await startApp({ providers: [ActGateway] });
    const answer = await requestUpgrade(app.port, target(name));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual(body);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.body)));
    expect(answer.headers).not.toHaveProperty('sec-websocket-accept');
    expect(connected).toBe(0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(app.log.of('error')).toEqual([]);
  });

  it.each(Object.keys(FAILURES))('when the guard fails with %s', async (name) => {
    const app = await startApp({ providers: [ActGateway] });
    const answer = await requestUpgrade(app.port, target(name));
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toEqual(INTERNAL);
    expect(connected).toBe(0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    // The application learns about it from the log.
    expect(app.log.of('error')).toHaveLength(1);
    expect(app.log.of('error')[0]).toContain('a guard of ActGateway threw');
  });

  it.each(Object.keys(PASSES))('when the guard returns %s', async (name) => {
    const app = await startApp({ providers: [ActGateway] });
    await app.connect(target(name));
    expect(connected).toBe(1);
  });

  it('logs few lines, however many guards fail', async () => {
    const app = await startApp({ providers: [ActGateway] });
    const name = 'an unknown error';
    for (let times = 0; times < 8; times++) await requestUpgrade(app.port, target(name));
    expect(app.log.of('error')).toHaveLength(5);
    for (const line of app.log.of('error')) expect(line).toContain(SECRET);
    await app.close();
    expect(app.log.of('warn').join()).toContain('3 more');
  });
});
