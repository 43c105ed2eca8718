import { UseGuards, type INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { ConnectError, createTestClient, UpgradeRefusedError } from '../../lib/testing/index.js';
import { startApp } from '../support/app.js';
import { selfSigned } from '../support/certificate.js';
import { RESERVED } from '../support/names.js';
import { freePort } from '../support/upgrade.js';
import { TokenGuard } from '../client/fixture-gateway.js';
import { coded } from '../support/error-code.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';

interface FromServer {
  welcome: (name: string) => void;
  said: (text: string) => void;
  moved: (x: number, y: number) => void;
  question: (text: string, answer: (reply: string) => void) => void;
}

interface FromClient {
  say: (text: string) => void;
  sum: (numbers: number[], answer: (sum: number) => void) => void;
  ask: (question: string, answer: (reply: string) => void) => void;
  move: () => void;
  kick: () => void;
  unhandled: () => void;
}

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;

  handleConnection(client: EnvelopeSocket): void {
    client.emit('welcome', String(client.handshake.headers['x-name'] ?? 'anonymous'));
  }
  @SubscribeMessage('say')
  say(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() text: string): void {
    client.nsp.emit('said', text);
  }
  @SubscribeMessage('sum')
  sum(@MessageBody() numbers: number[]): number {
    return numbers.reduce((sum, number) => sum + number, 0);
  }
  @SubscribeMessage('ask')
  ask(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() question: string): Promise<unknown> {
    return client.timeout(20_000).emitWithAck('question', question);
  }
  @SubscribeMessage('kick')
  kick(@ConnectedSocket() client: EnvelopeSocket): void {
    client.close(4000, 'out');
  }
  @SubscribeMessage('move')
  move(@ConnectedSocket() client: EnvelopeSocket): void {
    client.emit('moved', 1, 2);
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/members' })
class MembersGateway {
  @SubscribeMessage('whoami')
  whoami(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.user;
  }
}

@WebSocketGateway({ path: '/asking' })
class AskingGateway {
  readonly names: unknown[] = [];

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.names.push(await client.timeout(4_000).emitWithAck('name'));
  }
}

@WebSocketGateway({ path: '/hanging' })
class HangingGateway {
  handleConnection(): Promise<never> {
    return new Promise(() => undefined);
  }
}

/** Milliseconds; for waits that have to fail. Opening a connection needs more. */
const SHORT = 1_000;

const startChat = async (): Promise<INestApplication> =>
  (await startApp({ providers: [ChatGateway, MembersGateway] })).nest;

const chat = (app: INestApplication, timeout?: number) =>
  createTestClient<FromServer, FromClient>(app, { path: '/chat', ...(timeout && { timeout }) });

describe('a client of nestjs-envelope/testing', () => {
  it('returns the events of one name in order, regardless of other events between them', async () => {
    const client = await chat(await startChat());
    expect(await client.next('welcome')).toBe('anonymous');
    client.emit('say', 'one');
    client.emit('say', 'two');
    expect(await client.emitWithAck('sum', [1, 2])).toBe(3);
    expect(await client.next('said')).toBe('one');
    expect(await client.next('said')).toBe('two');
    const third = client.next('said');
    client.emit('say', 'three');
    expect(await third).toBe('three');
    client.emit('move');
    expect(await client.next('moved')).toEqual([1, 2]);
    expect(client.received.map(({ event }) => event)).toEqual(['welcome', 'said', 'said', 'said', 'moved']);
  });

  it('ignores events with reserved names', async () => {
    const app = await startChat();
    const client = await chat(app);
    const events: unknown[] = [];
    for (const name of RESERVED) client.on(name as 'said', (data) => events.push(data));
    const [socket] = app.get(ChatGateway).server.sockets.values();
    for (const event of RESERVED) socket!.send(JSON.stringify({ event, data: 'x' }));
    await client.next('welcome');
    await client.expectNone();
    expect(events).toEqual([]);
  });

  it('resolves several waits for one event in the order of the calls', async () => {
    const client = await chat(await startChat());
    const both = Promise.all([client.next('said'), client.next('said')]);
    client.emit('say', 'one');
    client.emit('say', 'two');
    expect(await both).toEqual(['one', 'two']);
  });

  it('lists the received events in the error of a wait', async () => {
    const client = await chat(await startChat(), SHORT);
    await client.next('welcome');
    client.emit('say', 'x'.repeat(1_000));
    await client.settled();
    client.emit('unhandled');
    const failed = [client.next('moved'), client.next('welcome')].map((wait) =>
      wait.catch((reason: unknown) => reason),
    );
    const [error, again] = (await Promise.all(failed)) as [Error, Error];
    expect(error.message).toMatch(
      /^no "moved" arrived: timeout of 1000 ms; other events: "said" "x+…, "exception" \{"status":"error","code":"unknown_event"/,
    );
    expect(error.message.length).toBeLessThan(500);
    expect(error.stack).toContain('test-client.spec');
    expect(again.message).toContain('all 1 of "welcome" were taken before');
  });

  it('detects without a delay that nothing was received', async () => {
    const client = await chat(await startChat());
    await client.next('welcome');
    await client.expectNone();
    await client.expectNone('said');
    client.emit('say', 'hello');
    await expect(client.expectNone('said')).rejects.toThrow(
      coded('ERR_ENVELOPE_UNEXPECTED_EVENT', '"said" "hello" arrived, but the test expects no "said"'),
    );
    await expect(client.expectNone()).rejects.toThrow(
      '"said" "hello" arrived, but the test expects no event',
    );
    await client.next('said');
    await client.expectNone();
  });

  it('answers requests of the server', async () => {
    const client = await chat(await startChat());
    client.on('question', (text) => `${text} so`);
    expect(await client.emitWithAck('ask', 'why?')).toBe('why? so');
    expect(await client.next('question')).toBe('why?');
  });

  it('reports the close code and does not reconnect', async () => {
    const client = await chat(await startChat());
    await client.next('welcome');
    client.emit('kick');
    expect(await client.ended()).toEqual({ code: 4000, reason: 'out' });
    expect(client).toMatchObject({ closed: { code: 4000, reason: 'out' }, state: 'closed' });
    await expect(client.next('said')).rejects.toThrow(
      coded(
        'ERR_ENVELOPE_NO_EVENT',
        'no "said" arrived: the connection closed with 4000 (out); no other event arrived',
      ),
    );
    await expect(client.expectNone('said')).rejects.toThrow(
      coded('ERR_ENVELOPE_NOT_SETTLED', 'did not answer a $ping: the connection is closed'),
    );
  });

  it('rejects waits when the connection closes', async () => {
    const client = await chat(await startChat());
    const never = client.next('said').catch((error: Error) => error.message);
    const settled = client.settled().catch((error: Error) => error.message);
    await client.cut();
    expect(await never).toContain('no "said" arrived: the connection closed with 1006');
    expect(await settled).toBe('the server did not answer a $ping: the connection closed with 1006');
    expect(client.closed).toEqual({ code: 1006, reason: '' });
  });

  it('closes the connection with 1000', async () => {
    const app = await startChat();
    const [ada, bob] = [await chat(app, SHORT), await chat(app)];
    await expect(ada.ended()).rejects.toThrow(
      coded('ERR_ENVELOPE_NOT_CLOSED', 'the server did not close the connection within 1000 ms'),
    );
    await ada.close();
    expect(ada.closed?.code).toBe(1000);
    await ada.close();
    await bob.close();
  });

  it('ends when its application closes', async () => {
    const app = await startChat();
    const client = await chat(app);
    await app.close();
    expect(await client.ended()).toMatchObject({ code: 1001 });
    await client.close();
  });
});

describe('createTestClient of nestjs-envelope/testing', () => {
  it('accepts headers and credentials', async () => {
    const app = await startChat();
    const named = await createTestClient(app, { path: '/chat', headers: { 'x-name': 'ada' } });
    expect(await named.next('welcome')).toBe('ada');
    TokenGuard.tokens.set('t1', { id: 'ada' });
    for (const options of [
      { auth: 't1' },
      { auth: { token: 't1' } },
      { headers: { authorization: 'Bearer t1' } },
    ]) {
      const client = await createTestClient(app, { path: '/members', ...options });
      expect(await client.emitWithAck('whoami')).toEqual({ id: 'ada' });
    }
  });

  it('rejects with the status of a refused upgrade', async () => {
    const app = await startChat();
    const joining = createTestClient(app, { path: '/members', auth: 'unknown' });
    const refused = (await joining.catch((reason: unknown) => reason)) as UpgradeRefusedError;
    expect(refused).toBeInstanceOf(UpgradeRefusedError);
    expect(refused).toMatchObject({
      code: 'ERR_ENVELOPE_UPGRADE_REFUSED',
      status: 403,
      body: { statusCode: 403 },
    });
    expect(refused.message).toContain('the upgrade was refused with 403: {"');
    await expect(createTestClient(app, '/nowhere')).rejects.toMatchObject({ status: 404 });
  });

  it('rejects with the reason when a middleware refuses the client', async () => {
    const app = await startApp({ providers: [ChatGateway] });
    app.nest.get(ChatGateway).server.use((_client, next) => next(new Error('not you')));
    const error: unknown = await createTestClient(app.nest, '/chat').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: 1008, cause: { data: { code: 'refused', message: 'not you' } } });
  });

  it('waits for handleConnection and answers its requests', async () => {
    const app = await startApp({ providers: [AskingGateway, HangingGateway] });
    await createTestClient(app.nest, { path: '/asking', on: { name: () => 'ada' } });
    expect(app.nest.get(AskingGateway).names).toEqual(['ada']);
    await expect(createTestClient(app.nest, { path: '/hanging', timeout: SHORT })).rejects.toThrow(
      'The connection was not ready in time (middlewares or handleConnection still running): timeout of 1000 ms',
    );
  });

  it('rejects when no server listens', async () => {
    const app = await startChat();
    const port = await freePort();
    const error: unknown = await createTestClient(app, { path: '/chat', port }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: 1006, cause: { code: 'ECONNREFUSED' } });
  });

  it('starts an application that does not listen yet, once for all clients', async () => {
    const module = await Test.createTestingModule({ providers: [ChatGateway] }).compile();
    const http = HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = module.createNestApplication(http, { logger: false });
    app.useWebSocketAdapter(new EnvelopeAdapter(app));
    try {
      const [ada, bob] = await Promise.all([chat(app), chat(app)]);
      ada.emit('say', 'hello');
      expect(await bob.next('said')).toBe('hello');
      expect(app.getHttpServer().address()).toMatchObject({ address: '127.0.0.1' });
    } finally {
      await app.close();
    }
  });

  it('uses TLS for an application with TLS', async () => {
    const app = await startApp({ providers: [ChatGateway] }, { https: selfSigned() });
    expect(await (await chat(app.nest)).next('welcome')).toBe('anonymous');
  });
});
