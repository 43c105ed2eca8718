import {
  BadGatewayException,
  BadRequestException,
  ServiceUnavailableException,
  UnauthorizedException,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, Signal, type ErrorContext } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

const ERRORS: Readonly<Record<string, () => Error>> = {
  plain: () => new Error('plain'),
  'bad gateway': () => new BadGatewayException(),
  'bad request': () => new BadRequestException(),
  refusal: () => new WsException('no'),
  outage: () => new ServiceUnavailableException(),
  unauthorized: () => new UnauthorizedException(),
};

class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { fails } = context.switchToWs().getClient<EnvelopeSocket>().handshake.query;
    if (fails !== undefined) throw ERRORS[String(fails)]!();
    return true;
  }
}

@UseGuards(Guard)
@WebSocketGateway({ path: '/ws' })
class Gateway {
  @WebSocketServer() server!: EnvelopeServer;

  handleConnection(client: EnvelopeSocket): void {
    client.on('heard', () => Promise.reject(new Error('in a listener')));
    if (client.handshake.query['hook'] !== undefined) throw new Error('in the hook');
  }
  handleDisconnect(client: EnvelopeSocket): void {
    if (client.handshake.query['leave'] !== undefined) throw new Error('in the last hook');
  }
  @SubscribeMessage('fails')
  fail(@MessageBody() what: string): never {
    throw ERRORS[what]!();
  }
  @SubscribeMessage('asks')
  async ask(@ConnectedSocket() client: EnvelopeSocket): Promise<unknown> {
    try {
      return await client.timeout(20).emitWithAck('question');
    } catch (cause) {
      throw new Error('no answer', { cause });
    }
  }
  @SubscribeMessage('asks all')
  askAll(): Promise<unknown> {
    return this.server.timeout(20).emitWithAck('question');
  }
  @SubscribeMessage('waits')
  wait(@Signal() signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
    );
  }
}

interface Seen extends ErrorContext {
  readonly error: unknown;
}

async function start(extra: object = {}) {
  const seen: Seen[] = [];
  const app = await startApp(
    { providers: [Gateway] },
    { adapter: { onError: (error, context) => void seen.push({ error, ...context }), ...extra } },
  );
  return { app, seen, texts: () => seen.map(({ error }) => (error as Error).message) };
}

describe('onError', () => {
  it('receives what a handler throws, with the client and the event', async () => {
    const { app, seen } = await start();
    const client = await app.connect('/ws');
    expect(await client.ask('fails', 'plain')).toMatchObject({ event: 'exception' });
    const [socket] = app.nest.get(Gateway).server.sockets.values();
    expect(seen).toEqual([
      {
        error: new Error('plain'),
        kind: 'message',
        where: '/ws: "fails" threw',
        event: 'fails',
        client: socket,
      },
    ]);
    expect(app.log.of('error')).toEqual(['/ws: "fails" threw: plain']);
  });

  it('receives each error, while the log counts', async () => {
    const { app, texts } = await start();
    const client = await app.connect('/ws');
    for (let i = 0; i < 9; i++) await client.ask('fails', 'plain');
    expect(texts()).toHaveLength(9);
    expect(app.log.of('error')).toHaveLength(5);
  });

  it('receives an exception with a status from 500 on, which the log has not', async () => {
    const { app, texts, seen } = await start();
    const client = await app.connect('/ws');
    await client.ask('fails', 'bad gateway');
    expect((await requestUpgrade(app.port, '/ws?fails=outage')).status).toBe(503);
    expect(texts()).toEqual(['Bad Gateway', 'Service Unavailable']);
    expect(seen.map(({ kind, event }) => [kind, event])).toEqual([
      ['message', 'fails'],
      ['connection', undefined],
    ]);
    expect(app.log.of('error')).toEqual([]);
  });

  it('receives what hooks, guards, listeners and checks throw', async () => {
    const { app, seen } = await start({
      allowRequest: (request: { url?: string }, callback: (error: null, success: boolean) => void) => {
        if (request.url!.includes('check')) throw new Error('in a check');
        callback(null, true);
      },
    });
    await requestUpgrade(app.port, '/ws?check');
    await requestUpgrade(app.port, '/ws?fails=plain');
    await (await app.connect('/ws?hook')).ended();
    const client = await app.connect('/ws?leave');
    client.send({ event: 'heard', data: 1 });
    await client.settled();
    client.ws.terminate();
    await until('handleDisconnect', () => seen.length === 5);
    expect(seen.map(({ error, kind, event }) => [(error as Error).message, kind, event])).toEqual([
      ['in a check', 'connection', undefined],
      ['plain', 'connection', undefined],
      ['in the hook', 'connection', undefined],
      ['in a listener', 'message', 'heard'],
      ['in the last hook', 'connection', undefined],
    ]);
  });

  it("never receives a client's fault", async () => {
    const { app, seen } = await start({ limits: { maxRooms: 1 } });
    const client = await app.connect('/ws');
    for (const what of ['bad request', 'refusal', 'unauthorized']) await client.ask('fails', what);
    for (const text of ['{', '{"event":""}', '{"event":"none","id":1}', '{"event":"$x","id":2}'])
      client.send(text);
    // the client does not answer, or with an exception, or disconnects
    await client.ask('asks');
    await client.ask('asks all');
    const asked = client.ask('asks');
    const { id } = (await client.next('question')) as { id?: number };
    client.send({ event: 'exception', ack: id!, data: { status: 'error' } });
    await asked;
    for (const path of ['/ws?fails=unauthorized', '/ws?fails=refusal', '/nowhere'])
      expect((await requestUpgrade(app.port, path)).status).toBeGreaterThan(400);
    const other = await app.connect('/ws');
    other.send({ event: 'waits', id: 1 });
    other.send({ event: 'asks', id: 2 });
    await other.settled();
    other.ws.terminate();
    await until('the end of the other', () => app.nest.get(Gateway).server.sockets.size === 1);
    await client.settled();
    expect(seen).toEqual([]);
  });

  it('may fail itself: that is logged', async () => {
    let calls = 0;
    const { app } = await start({
      onError: (error: Error) => {
        if (++calls === 1) throw new Error('first', { cause: error });
        return Promise.reject(new Error('second', { cause: error }));
      },
    });
    const client = await app.connect('/ws');
    await client.ask('fails', 'plain');
    await client.ask('fails', 'plain');
    await until('the second line', () => app.log.of('error').length === 4);
    expect(app.log.of('error').filter((line) => line.startsWith('the option'))).toEqual([
      'the option onError failed: first',
      'the option onError failed: second',
    ]);
  });

  it('is an option of the adapter, and a function', async () => {
    await expect(start({ onError: 'Sentry' })).rejects.toThrow(
      'EnvelopeAdapter: onError is "Sentry": it takes a function',
    );
  });
});
