import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { EnvelopeModule, EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { EnvelopeHttpApiModule, type HttpApiOptions } from '../../lib/http-api/index.js';
import { memoryOnce } from '../../lib/once/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { coded } from '../support/error-code.js';

@Injectable()
class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return (
      context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers['x-key'] === 'secret'
    );
  }
}

@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    const { room, user } = client.handshake.query;
    if (room !== undefined) await client.join(String(room));
    if (user !== undefined) this.server.presence.track(client, String(user), { device: 'phone' });
  }
  @SubscribeMessage('rooms')
  rooms(@ConnectedSocket() client: EnvelopeSocket): string[] {
    return [...client.rooms];
  }
}

@WebSocketGateway({ path: '/other' })
class OtherGateway {}

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

async function start(options: Partial<HttpApiOptions> = {}) {
  const app = await startApp({
    imports: [
      EnvelopeModule.forRoot({ path: '/ws' }),
      EnvelopeHttpApiModule.register({ guards: [KeyGuard], ...options }),
    ],
    providers: [Gateway, OtherGateway],
  });
  return { app, ...callsOf(app) };
}

function callsOf(app: TestApp) {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: object = {},
  ): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${app.port}/${path}`, {
      method,
      headers: { 'x-key': 'secret', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const post = (path: string, body: unknown, headers?: object): Promise<Answer> =>
    call('POST', `envelope/${path}`, body, headers);
  const get = (path: string): Promise<Answer> => call('GET', `envelope/${path}`);
  const refusal = async (path: string, body: unknown): Promise<unknown> => {
    const { status, body: answer } = await post(path, body);
    return `${status} ${String(answer['message'])}`;
  };
  return { call, post, get, refusal };
}

const eventsOf = async (client: TestClient): Promise<unknown[]> => {
  await client.settled();
  return client.frames.filter(({ ack }) => ack === undefined).map(({ event, data }) => [event, data]);
};

describe('POST /envelope/emit', () => {
  it('sends to rooms, users, everybody, and not to who is left out', async () => {
    const { app, post } = await start();
    const [red, blue] = [await app.connect('/ws?room=red'), await app.connect('/ws?room=blue')];
    for (const client of [red, blue]) await client.settled();
    expect(await post('emit', { to: 'red', event: 'news', data: { n: 1 } })).toEqual({
      status: 202,
      body: { accepted: 1 },
    });
    const batch = [
      { event: 'all' },
      { path: '/ws', to: ['red', 'blue'], except: 'red', event: 'news', data: null },
      { path: '/other', event: 'elsewhere' },
      { volatile: true, event: 'fast', data: [1, 2] },
    ];
    expect(await post('emit', batch)).toEqual({ status: 202, body: { accepted: 4 } });
    expect(await eventsOf(red)).toEqual([
      ['news', { n: 1 }],
      ['all', undefined],
      ['fast', [1, 2]],
    ]);
    expect(await eventsOf(blue)).toEqual([
      ['all', undefined],
      ['news', null],
      ['fast', [1, 2]],
    ]);
  });

  it('refuses whom the guards refuse', async () => {
    const { post, call } = await start();
    expect(await post('emit', { event: 'x' }, { 'x-key': 'wrong' })).toMatchObject({ status: 403 });
    expect(await post('disconnect', { all: true }, { 'x-key': 'wrong' })).toMatchObject({ status: 403 });
    expect(await call('GET', 'envelope/presence?room=red', undefined, { 'x-key': '' })).toMatchObject({
      status: 403,
    });
  });

  it('refuses malformed messages, and says where', async () => {
    const { refusal } = await start({ maxBatch: 3 });
    const refused = (body: unknown): Promise<unknown> => refusal('emit', body);
    expect(await refused({})).toBe('400 body.event an event name must be a non-empty string');
    expect(await refused([{ event: 'a' }, { event: '$session' }])).toBe(
      '400 body[1].event "$session": names that begin with "$" are reserved for the protocol',
    );
    expect(await refused({ event: 'a', rooms: 'red' })).toContain(
      '400 body.rooms is unknown. Valid: path, to',
    );
    expect(await refused({ event: 'a', evnt: 1 })).toBe('400 body.evnt is unknown. Did you mean "event"?');
    expect(await refused({ event: 'a', to: {} })).toBe('400 body.to has {}: it takes texts and numbers');
    expect(await refused({ event: 'a', to: [] })).toBe(
      '400 body.to is empty: leave it out to address all clients',
    );
    expect(await refused({ event: 'a', to: 'x'.repeat(2_000) })).toBe(
      '400 body the name of a room must not exceed 1006 characters',
    );
    expect(await refused({ event: 'a', users: [''] })).toMatch(/^400 body\.users /);
    expect(await refused({ event: 'a', to: Array(1_001).fill('r') })).toBe(
      '400 body.to has 1001 names: at most 1000 are allowed',
    );
    expect(await refused({ event: 'a', volatile: 'yes' })).toBe(
      '400 body.volatile is "yes": it takes true or false',
    );
    expect(await refused({ event: 'a', path: 7 })).toBe('400 body.path is 7: it takes a text, such as "/ws"');
    expect(await refused({ event: 'a', path: '/nowhere' })).toBe(
      '404 No gateway has the path "/nowhere". The paths are: /ws, /other',
    );
    expect(await refused([[]])).toBe('400 body[0] is []: it takes an object');
    expect(await refused(Array(4).fill({ event: 'a' }))).toBe(
      '400 body has 4 messages: at most 3 are allowed in one request',
    );
  });

  it('sends none of a batch of which one is refused', async () => {
    const { app, post } = await start();
    const client = await app.connect('/ws');
    expect(await post('emit', [{ event: 'first' }, { event: '' }])).toMatchObject({ status: 400 });
    expect(await eventsOf(client)).toEqual([]);
  });

  it('does a request with an Idempotency-Key once', async () => {
    const { app, post } = await start();
    const client = await app.connect('/ws');
    const key = { 'idempotency-key': 'order-7' };
    for (let i = 0; i < 2; i++)
      expect(await post('emit', { event: 'paid', data: 7 }, key)).toEqual({
        status: 202,
        body: { accepted: 1 },
      });
    expect(await post('emit', { event: 'paid', data: 8 }, key)).toMatchObject({ status: 422 });
    expect(await post('emit', { event: '' }, { 'idempotency-key': 'b' })).toMatchObject({ status: 400 });
    expect(await post('emit', { event: 'mended' }, { 'idempotency-key': 'b' })).toMatchObject({
      status: 202,
    });
    expect(await post('emit', { event: 'x' }, { 'idempotency-key': 'k'.repeat(256) })).toMatchObject({
      status: 400,
    });
    // another route has keys of its own
    expect(await post('disconnect', { to: 'nobody' }, key)).toMatchObject({ status: 202 });
    expect(await eventsOf(client)).toEqual([
      ['paid', 7],
      ['mended', undefined],
    ]);
  });

  it('does a request with an Idempotency-Key once on nodes that share a store, and refuses it without the store', async () => {
    const store = memoryOnce();
    const key = { 'idempotency-key': 'order-8' };
    const nodes = [await start({ store }), await start({ store })];
    const clients = await Promise.all(nodes.map(({ app }) => app.connect('/ws')));
    for (const { post } of nodes)
      expect(await post('emit', { event: 'paid' }, key)).toEqual({ status: 202, body: { accepted: 1 } });
    const [first, second] = await Promise.all(clients.map(eventsOf));
    expect([first, second]).toEqual([[['paid', undefined]], []]);

    const away = (): Promise<never> => Promise.reject(new Error('away'));
    const { app, post } = await start({ store: { claim: away, replace: away } });
    const client = await app.connect('/ws');
    expect(await post('emit', { event: 'paid' }, key)).toMatchObject({ status: 503 });
    expect(await post('emit', { event: 'said' })).toMatchObject({ status: 202 });
    expect(await eventsOf(client)).toEqual([['said', undefined]]);
    const claimed = { claim: async () => '{"digest":"another","by":"x"}', replace: away };
    const { post: again } = await start({ store: claimed });
    expect(await again('emit', { event: 'paid' }, key)).toMatchObject({ status: 422 });
  });
});

describe('POST /envelope/disconnect', () => {
  it('disconnects a room, or all if it is told so', async () => {
    const { app, post, refusal } = await start();
    const [red, blue] = [await app.connect('/ws?room=red'), await app.connect('/ws?room=blue')];
    for (const client of [red, blue]) await client.settled();
    expect(await refusal('disconnect', {})).toBe(
      '400 body names no clients: set to or users, or "all": true',
    );
    expect(await refusal('disconnect', { all: true, to: 'red' })).toContain(
      '400 body.all is true beside to or users',
    );
    expect(await refusal('disconnect', { all: 1 })).toBe('400 body.all is 1: it takes true or false');
    expect(await refusal('disconnect', { to: [] })).toContain('400 body.to is empty');
    expect(await post('disconnect', { to: 'red' })).toEqual({ status: 202, body: { accepted: 1 } });
    expect(await red.ended()).toMatchObject({ code: 1000 });
    await blue.settled();
    expect(await post('disconnect', { all: true })).toMatchObject({ status: 202 });
    expect(await blue.ended()).toMatchObject({ code: 1000 });
  });
});

describe('GET /envelope/presence', () => {
  it('lists the members of a room', async () => {
    const { app, get } = await start();
    const client = await app.connect('/ws?room=red&user=ada');
    await client.settled();
    expect(await get('presence?room=red')).toEqual({
      status: 200,
      body: [{ key: 'ada', metas: [{ device: 'phone' }] }],
    });
    expect(await get('presence?room=blue&path=/other')).toEqual({ status: 200, body: [] });
    expect(await get('presence')).toMatchObject({ status: 400 });
    expect(await get('presence?room=a&room=b')).toMatchObject({ status: 400 });
    expect(await get(`presence?room=${'x'.repeat(2_000)}`)).toMatchObject({ status: 400 });
    expect(await get('presence?room=red&path=/nowhere')).toMatchObject({ status: 404 });
  });
});

describe('EnvelopeHttpApiModule', () => {
  it('is in the OpenAPI document of the application', async () => {
    const { app } = await start({ path: 'internal/push' });
    const { paths } = SwaggerModule.createDocument(app.nest, new DocumentBuilder().build());
    expect(Object.keys(paths)).toEqual([
      '/internal/push/emit',
      '/internal/push/disconnect',
      '/internal/push/presence',
    ]);
    const emit = paths['/internal/push/emit']!.post!;
    expect(emit.summary).toContain('Sends one event');
    expect(JSON.stringify(emit.requestBody)).toContain('"event"');
    expect(JSON.stringify(emit.parameters)).toContain('idempotency-key');
    expect(paths['/internal/push/presence']!.get!.parameters).toHaveLength(2);
  });

  it('takes no module without a guard, and no unknown option', () => {
    const register = (options: object) => (): unknown =>
      EnvelopeHttpApiModule.register(options as HttpApiOptions);
    for (const options of [{}, { guards: [] }, { guards: KeyGuard }])
      expect(register(options)).toThrow(coded('ERR_ENVELOPE_INVALID_OPTION', 'at least one guard'));
    expect(register({ guards: [KeyGuard], maxBatch: 0 })).toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'maxBatch is 0'),
    );
    expect(register({ guards: [KeyGuard], paht: '' })).toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'Did you mean "path"?'),
    );
    expect(register({ guards: [KeyGuard], path: 7 })).toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'path is 7'),
    );
  });

  it('says that EnvelopeModule is missing', async () => {
    const started = startApp({ imports: [EnvelopeHttpApiModule.register({ guards: [KeyGuard] })] });
    await expect(started).rejects.toThrow(
      coded('ERR_ENVELOPE_MISSING_MODULE', 'add EnvelopeModule.forRoot()'),
    );
  });
});
