import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { countResources, NO_RESOURCES } from '../support/resource-count.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { requestUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

type Act = (client: EnvelopeSocket) => boolean | Promise<boolean>;

/** What the guard does. Each test sets it. */
let act: Act = () => true;
let calls: string[] = [];
let sockets: EnvelopeSocket[] = [];
beforeEach(() => {
  act = () => true;
  calls = [];
  sockets = [];
});

class ActGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (context.switchToWs().getPattern() !== '$upgrade') return true;
    const client: EnvelopeSocket = context.switchToWs().getClient();
    sockets.push(client);
    return act(client);
  }
}
class SecondGuard implements CanActivate {
  canActivate(): boolean {
    calls.push('second');
    return true;
  }
}

class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  handleConnection(client: EnvelopeSocket): void {
    calls.push('connected');
    client.emit('welcome', [...client.rooms].slice(1));
  }
  handleDisconnect(): void {
    calls.push('disconnected');
  }
  @SubscribeMessage('params')
  params(@ConnectedSocket() client: EnvelopeSocket): unknown {
    return client.handshake.params;
  }
}
@UseGuards(ActGuard, SecondGuard)
@WebSocketGateway({ path: '/ws' })
class BareGateway extends Gateway {}
@UseGuards(ActGuard)
@WebSocketGateway({ path: '/rooms/:room/:seat' })
class ParamsGateway extends Gateway {}
@UseGuards(ActGuard)
@WebSocketGateway({ path: '/many', namespace: /^\/\d+$/ })
class ManyGateway extends Gateway {}

const start = (): Promise<TestApp> => startApp({ providers: [BareGateway, ParamsGateway, ManyGateway] });

describe('a guard that ends the connection', () => {
  it('has the token in the headers of its request', async () => {
    const app = await startApp({ providers: [BareGateway] });
    let seen: unknown;
    act = (client) => {
      seen = client.request.headers.authorization;
      return true;
    };
    await app.connect('/ws', { protocols: ['bearer', 'a.b.c'] });
    expect(seen).toBe('Bearer a.b.c');
  });

  expectNoUnhandledErrors();

  it.each<[string, (client: EnvelopeSocket) => unknown]>([
    ['disconnect()', (client) => client.disconnect()],
    ['disconnect(true)', (client) => client.disconnect(true)],
    ['close()', (client) => client.close()],
    ['close(4000, …)', (client) => client.close(4000, 'go away')],
    ['terminate()', (client) => client.terminate()],
  ])('with %s refuses it with 403', async (_, disconnect) => {
    const app = await start();
    for (const isAsync of [false, true]) {
      act = (client) => {
        disconnect(client);
        return isAsync ? Promise.resolve(true) : true;
      };
      const answer = await requestUpgrade(app.port, '/ws');
      expect([answer.status, JSON.parse(answer.body).message]).toEqual([403, 'Forbidden resource']);
    }
    // No further guard and no hook runs.
    expect(calls).toEqual([]);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    for (const socket of sockets)
      expect([socket.readyState, socket.connected]).toEqual([socket.CLOSED, false]);
    expect(app.log.of('error')).toEqual([]);
  });

  it('with an invalid close code answers 500', async () => {
    const app = await start();
    act = (client) => {
      client.close(1006);
      return true;
    };
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(500);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});

describe('a client whose guards run', () => {
  expectNoUnhandledErrors();

  it('is not connected yet', async () => {
    const app = await start();
    let state: unknown;
    act = (client) => {
      state = {
        readyState: client.readyState === client.CONNECTING,
        connected: client.connected,
        disconnected: client.disconnected,
        rooms: client.rooms.size,
        isKnown: client.nsp.adapter.sids.has(client.id),
        protocol: client.protocol,
        extensions: client.extensions,
        isPaused: client.isPaused,
        bufferedAmount: client.bufferedAmount,
        closed: client.closed,
      };
      return true;
    };
    await app.connect('/ws');
    expect(state).toEqual({
      readyState: true,
      connected: false,
      disconnected: true,
      rooms: 0,
      isKnown: false,
      protocol: '',
      extensions: '',
      isPaused: false,
      bufferedAmount: 0,
      closed: undefined,
    });
  });

  it('receives what the guard emitted first and in order, once it is connected', async () => {
    const app = await start();
    act = async (client) => {
      client.emit('one', 1);
      client.emit('two');
      await new Promise((resolve) => setImmediate(resolve));
      client.emit('three', 3);
      // A volatile message is dropped, because the connection is not open.
      client.volatile.emit('never');
      return true;
    };
    const client = await app.connect('/ws', { protocols: ['envelope.v1'] });
    await client.next('welcome');
    expect(client.frames.map(({ event }) => event)).toEqual(['$session', 'one', 'two', 'three', 'welcome']);
  });

  it('is in the rooms that the guard joined, once it is connected', async () => {
    const app = await start();
    const { server } = app.nest.get(BareGateway);
    act = async (client) => {
      await client.join(['users', 'user:1']);
      server.to('users').emit('too early');
      return true;
    };
    const client = await app.connect('/ws');
    expect((await client.next('welcome')).data).toEqual(expect.arrayContaining(['user:1']));
    server.to('user:1').emit('now');
    await client.next('now');
    expect(client.frames.map(({ event }) => event)).not.toContain('too early');
  });

  it('receives a request once it is connected', async () => {
    const app = await start();
    let answer: unknown;
    act = (client) => {
      client.emitWithAck('identify yourself', 1).then(
        (value) => (answer = value),
        (error) => (answer = error),
      );
      return true;
    };
    const client = await app.connect('/ws');
    const { id } = await client.next('identify yourself');
    client.send({ ack: id, data: 'me' });
    await until('the answer', () => answer === 'me');
  });

  it('cannot answer while the guard waits, because it is not connected', async () => {
    const app = await startApp({ providers: [BareGateway] }, { adapter: { limits: { upgradeTimeout: 50 } } });
    let failed: unknown;
    act = async (client) => {
      await client.emitWithAck('identify yourself').catch((error: Error) => (failed = error.message));
      return true;
    };
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(503);
    await until('the failure of the request', () => failed !== undefined);
    expect(failed).toBe('the socket has been disconnected');
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });

  it.each<[string, (client: EnvelopeSocket) => unknown]>([
    ['send', (client) => client.send('text')],
    ['send with a callback', (client) => client.send('text', () => undefined)],
    ['ping', (client) => client.ping()],
    ['ws', (client) => client.ws],
  ])('has no raw socket: %s throws, like in ws before it is open', async (_, use) => {
    const app = await start();
    let thrown: unknown;
    act = (client) => {
      try {
        use(client);
      } catch (error) {
        thrown = error;
      }
      return true;
    };
    await app.connect('/ws');
    expect(String(thrown)).toContain('not open yet');
    // If the guard does not catch the error, it fails.
    act = (client) => use(client) !== undefined;
    expect((await requestUpgrade(app.port, '/ws')).status).toBe(500);
  });

  it('has no raw socket after it has disconnected the client either', async () => {
    let thrown: unknown;
    act = (client) => {
      client.disconnect();
      try {
        void client.ws;
      } catch (error) {
        thrown = error;
      }
      return true;
    };
    const app = await startApp({ providers: [BareGateway] });
    await expect(app.connect('/ws')).rejects.toThrow('403');
    expect(thrown).toMatchObject({ code: 'ERR_ENVELOPE_NOT_CONNECTED' });
  });

  it('keeps the listeners and middlewares of the guard', async () => {
    const app = await start();
    act = (client) => {
      client.on('hello', (data: unknown, ack: (answer: unknown) => void) => ack(data));
      client.onAny((event) => calls.push(`any ${event}`));
      client.on('disconnect', (reason) => calls.push(`disconnect: ${reason}`));
      return true;
    };
    const client = await app.connect('/ws');
    expect((await client.ask('hello', 5)).data).toBe(5);
    client.close(1000);
    await until('the disconnect', () => calls.includes('disconnected'));
    expect(calls).toEqual([
      'second',
      'connected',
      'any hello',
      'disconnect: client namespace disconnect',
      'disconnected',
    ]);
  });
});

describe('a refused client', () => {
  expectNoUnhandledErrors();

  const useEverything: Act = (client) => {
    for (const event of ['close', 'disconnect', 'disconnecting', 'error'] as const)
      client.on(event, () => calls.push(event));
    client.emit('hello', 'x'.repeat(10_000));
    client.timeout(60_000).emit('hello', 1, () => calls.push('answered'));
    client.emitWithAck('hello').catch(() => undefined);
    void client.join(['users', 'user:1']);
    client.to('users').emit('hello');
    client.expiresAt = Date.now() + 60_000;
    return false;
  };

  it.each(['/ws', '/rooms/blue/7', '/many/1'])('leaves no resources: %s', async (path) => {
    const app = await start();
    act = useEverything;
    for (let times = 0; times < 3; times++) expect((await requestUpgrade(app.port, path)).status).toBe(403);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    expect(calls).toEqual(['answered', 'answered', 'answered']);
  });

  it('cannot be used again', async () => {
    const app = await start();
    act = () => false;
    await requestUpgrade(app.port, '/ws');
    const [client] = sockets;
    await client!.join('users');
    expect(client!.emit('hello')).toBe(false);
    client!.expiresAt = Date.now() - 1;
    client!.disconnect();
    client!.terminate();
    await expect(client!.emitWithAck('hello')).rejects.toThrow('disconnected');
    expect(client!.rooms.size).toBe(0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});

describe('namespaces with many paths', () => {
  expectNoUnhandledErrors();

  it('pass the :params of the path to the guard', async () => {
    const app = await start();
    const params: unknown[] = [];
    act = (client) => {
      params.push({ ...client.handshake.params });
      return client.handshake.params['room'] === 'blue';
    };
    expect((await requestUpgrade(app.port, '/rooms/red/7')).status).toBe(403);
    const client = await app.connect('/rooms/blue/a%20b');
    expect(params).toEqual([
      { room: 'red', seat: '7' },
      { room: 'blue', seat: 'a b' },
    ]);
    expect((await client.ask('params')).data).toEqual({ room: 'blue', seat: 'a b' });
  });

  it('are not created for refused clients', async () => {
    const app = await start();
    act = (client) => client.nsp.name === '/many/7';
    for (let path = 0; path < 5; path++) await requestUpgrade(app.port, `/many/${path}`);
    expect(countResources(app)).toEqual(NO_RESOURCES);
    const client = await app.connect('/many/7');
    expect(countResources(app)['children']).toBe(1);
    // A refused client does not remove it while another one is connected.
    act = () => false;
    await requestUpgrade(app.port, '/many/7');
    expect(countResources(app)).toMatchObject({ children: 1, sockets: 1 });
    client.ws.terminate();
    await until('the end of the namespace', () => countResources(app)['connections'] === 0);
    expect(countResources(app)).toEqual(NO_RESOURCES);
  });
});
