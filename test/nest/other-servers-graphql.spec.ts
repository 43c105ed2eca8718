import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { buildSchema } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer as WsServer } from 'ws';
import { EnvelopeServer } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown): unknown {
    return data;
  }
}

const schema = buildSchema('type Query { hello: String } type Subscription { count(to: Int!): Int }');

/** A resolver that emits each number after the test releases it. */
class Counting {
  private releases = [deferred(), deferred(), deferred()];
  finished = 0;

  readonly root = {
    hello: () => 'hello',
    count: ({ to }: { to: number }) => this.count(to),
  };

  release(index: number): void {
    this.releases[index]!.resolve();
  }

  private async *count(to: number): AsyncGenerator<{ count: number }> {
    try {
      for (let number = 1; number <= to; number++) {
        await this.releases[number - 1]!.promise;
        yield { count: number };
      }
    } finally {
      this.finished++;
    }
  }
}

/** Attaches as `GqlSubscriptionService` of @nestjs/graphql does. */
function likeNest(http: Server): WsServer {
  const wss = new WsServer({ noServer: true, path: '/graphql' });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url?.startsWith('/graphql') !== true) return;
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
  });
  return wss;
}

/** Attaches as the documentation of graphql-ws shows. */
const likeGraphqlWs = (http: Server): WsServer => new WsServer({ server: http, path: '/graphql' });

const attachments = { 'as @nestjs/graphql attaches it': likeNest, 'with { server, path }': likeGraphqlWs };

const clients: Client[] = [];

function subscribe(app: TestApp, query: string): AsyncIterableIterator<unknown> {
  const client = createClient({ url: app.url('/graphql'), webSocketImpl: WebSocket, retryAttempts: 0 });
  clients.push(client);
  return client.iterate({ query });
}

expectNoUnhandledErrors();

describe.each(Object.entries(attachments))('GraphQL subscriptions %s', (_, attach) => {
  let app: TestApp;
  let counting: Counting;
  let disposeGraphql: () => Promise<void>;

  async function start(
    when: 'before' | 'after',
    gateways: (new () => object)[] = [ChatGateway],
  ): Promise<void> {
    counting = new Counting();
    let wss!: WsServer;
    const add = (http: Server): void => void (wss = attach(http));
    app = await startApp(
      { providers: gateways },
      { before: (nest) => when === 'before' && add(nest.getHttpServer()) },
    );
    if (when === 'after') add(app.nest.getHttpServer());
    const graphql = useServer({ schema, roots: { query: counting.root, subscription: counting.root } }, wss);
    disposeGraphql = async () => {
      await graphql.dispose();
      wss.close();
    };
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.dispose();
    await disposeGraphql();
  });

  it.each(['before', 'after'] as const)(
    'work next to a gateway when attached %s the adapter',
    async (when) => {
      await start(when);
      const client = await app.connect('/ws');
      const numbers = subscribe(app, 'subscription { count(to: 3) }');
      for (const [index, number] of [1, 2, 3].entries()) {
        const result = numbers.next();
        expect((await client.ask('echo', number)).data).toBe(number);
        counting.release(index);
        app.nest.get(ChatGateway).server.emit('news', number);
        expect(await result).toEqual({ done: false, value: { data: { count: number } } });
        expect((await client.next('news')).data).toBe(number);
      }
      expect((await numbers.next()).done).toBe(true);
      expect(await subscribe(app, '{ hello }').next()).toMatchObject({ value: { data: { hello: 'hello' } } });
      expect(client.closed).toBeUndefined();
    },
  );

  it('can be cancelled and continue after the adapter is disposed', async () => {
    await start('after');
    const client = await app.connect('/ws');
    const [cancelled, kept] = [1, 2].map(() => subscribe(app, 'subscription { count(to: 3) }'));
    counting.release(0);
    for (const numbers of [cancelled!, kept!]) {
      expect(await numbers.next()).toMatchObject({ value: { data: { count: 1 } } });
    }
    await app.adapter.dispose();
    expect((await client.ended()).code).toBe(1001);
    counting.release(1);
    expect(await kept!.next()).toMatchObject({ value: { data: { count: 2 } } });
    await cancelled!.return!();
    counting.release(2);
    expect(await kept!.next()).toMatchObject({ value: { data: { count: 3 } } });
    expect((await kept!.next()).done).toBe(true);
    expect(await subscribe(app, '{ hello }').next()).toMatchObject({ value: { data: { hello: 'hello' } } });
  });

  it('do not affect gateways whose path has the same prefix', async () => {
    @WebSocketGateway({ path: '/graphql/chat' })
    class BelowGateway extends ChatGateway {}
    @WebSocketGateway({ path: '/graphql-chat/:room' })
    class BesideGateway extends ChatGateway {}
    await start('after', [BelowGateway, BesideGateway]);
    counting.release(0);
    expect(await subscribe(app, 'subscription { count(to: 1) }').next()).toMatchObject({
      value: { data: { count: 1 } },
    });
    for (const path of ['/graphql/chat', '/graphql-chat/7']) {
      expect((await (await app.connect(path)).ask('echo', path)).data).toBe(path);
    }
  });
});
