import type { IncomingMessage } from 'node:http';
import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  type OnGatewayInit,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/full' })
class FullGateway implements OnGatewayInit, OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() server!: EnvelopeServer;
  readonly inits: unknown[] = [];
  readonly connections: [EnvelopeSocket, IncomingMessage][] = [];
  readonly disconnects: unknown[][] = [];
  afterInit(server: unknown): void {
    this.inits.push(server);
  }
  handleConnection(client: EnvelopeSocket, request: IncomingMessage): void {
    this.connections.push([client, request]);
    client.emit('welcome', this.server.sockets.size);
  }
  handleDisconnect(...args: unknown[]): void {
    this.disconnects.push(args);
  }
  @SubscribeMessage('me')
  me(@ConnectedSocket() client: EnvelopeSocket): string {
    return client.id;
  }
}

/** Keeps each handleConnection pending until the test resolves its gate. */
@WebSocketGateway({ path: '/slow' })
class SlowGateway {
  readonly gates: ReturnType<typeof deferred<void>>[] = [];
  readonly handled: unknown[] = [];
  readonly disconnects: string[] = [];
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    const gate = deferred();
    this.gates.push(gate);
    client.emit('waiting');
    await gate.promise;
    this.handled.push('connection');
  }
  handleDisconnect(_: EnvelopeSocket, reason: string): void {
    this.disconnects.push(reason);
  }
  @SubscribeMessage('note')
  note(_: EnvelopeSocket, data: unknown): unknown {
    this.handled.push(data);
    return data;
  }
}

/** Declares the hooks as properties of each instance. */
@WebSocketGateway({ path: '/arrow' })
class ArrowGateway {
  readonly calls: string[] = [];
  readonly gate = deferred();
  handleConnection = async (client: EnvelopeSocket): Promise<void> => {
    client.emit('waiting');
    await this.gate.promise;
    this.calls.push('connected');
  };
  handleDisconnect = (_: EnvelopeSocket, reason: string): void => {
    this.calls.push(reason);
  };
  @SubscribeMessage('note')
  note(): string {
    this.calls.push('note');
    return 'noted';
  }
}

@WebSocketGateway({ path: '/shared' })
class FirstGateway {
  readonly connected: EnvelopeSocket[] = [];
  readonly disconnected: EnvelopeSocket[] = [];
  async handleConnection(client: EnvelopeSocket): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    client.data.first = true;
    this.connected.push(client);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    this.disconnected.push(client);
  }
  @SubscribeMessage('first')
  first(client: EnvelopeSocket): unknown {
    return client.data;
  }
}

@WebSocketGateway({ path: 'shared/' })
class SecondGateway extends FullGateway {
  override handleConnection(client: EnvelopeSocket, request: IncomingMessage): void {
    client.data.second = true;
    super.handleConnection(client, request);
  }
  @SubscribeMessage('second')
  second(client: EnvelopeSocket): unknown {
    return client.data;
  }
}

expectNoUnhandledErrors();

describe('lifecycle hooks', () => {
  it('receive the server, the client, the request and the disconnect reason', async () => {
    const app = await startApp({ providers: [FullGateway] });
    const gateway = app.nest.get(FullGateway);
    expect(gateway.inits).toEqual([expect.any(EnvelopeServer)]);
    expect(gateway.inits[0]).toBe(gateway.server);
    const client = await app.connect('/full?x=1', { headers: { 'x-test': 'yes' } });
    expect(await client.next('welcome')).toEqual({ event: 'welcome', data: 1 });
    const [[socket, request] = []] = gateway.connections;
    expect(socket).toBeInstanceOf(EnvelopeSocket);
    expect(request).toBe(socket?.request);
    expect([request?.url, request?.headers['x-test']]).toEqual(['/full?x=1', 'yes']);
    expect((await client.ask('me')).data).toBe(socket?.id);
    client.close(1000);
    await client.ended();
    await until('handleDisconnect', () => gateway.disconnects.length > 0);
    expect(gateway.disconnects).toHaveLength(1);
    expect(gateway.disconnects[0]?.slice(0, 2)).toEqual([socket, 'client namespace disconnect']);
  });

  it('run once for each client, in the order of the clients', async () => {
    const app = await startApp({ providers: [FullGateway] });
    const gateway = app.nest.get(FullGateway);
    const clients = [];
    for (let i = 0; i < 5; i++) clients.push(await app.connect('/full'));
    for (const client of clients) client.close();
    await until('all disconnects', () => gateway.disconnects.length === 5);
    expect(new Set(gateway.connections.map(([client]) => client)).size).toBe(5);
    expect(new Set(gateway.disconnects.map(([client]) => client)).size).toBe(5);
  });

  it('delay messages until an asynchronous handleConnection settles, without loss and in order', async () => {
    const app = await startApp({ providers: [SlowGateway] });
    const gateway = app.nest.get(SlowGateway);
    const [slow, fast] = [await app.connect('/slow'), await app.connect('/slow')];
    // These are more messages than wait in memory: the connection is paused meanwhile.
    const numbers = Array.from({ length: 400 }, (_, number) => number);
    for (const number of numbers) slow.send({ event: 'note', data: number });
    await fast.next('waiting');
    gateway.gates[1]!.resolve();
    await fast.settled(); // Other clients do not wait.
    expect(gateway.handled).toEqual(['connection']);
    gateway.gates[0]!.resolve();
    await slow.settled();
    expect(gateway.handled).toEqual(['connection', 'connection', ...numbers]);
    expect(slow.frames.filter(({ event }) => event === 'note').map(({ data }) => data)).toEqual(numbers);
  });

  it('discard the messages of a client that disconnects while handleConnection is pending', async () => {
    const app = await startApp({ providers: [SlowGateway] });
    const gateway = app.nest.get(SlowGateway);
    const client = await app.connect('/slow');
    client.send({ event: 'note', data: 1 });
    await client.next('waiting');
    client.close(1000);
    await client.ended();
    await until('handleDisconnect', () => gateway.disconnects.length > 0);
    gateway.gates[0]!.resolve();
    const other = await app.connect('/slow');
    await other.next('waiting');
    gateway.gates[1]!.resolve();
    await other.settled();
    expect(gateway.handled).toEqual(['connection', 'connection']);
    expect(gateway.disconnects).toEqual(['client namespace disconnect']);
  });

  it('may be arrow functions', async () => {
    const app = await startApp({ providers: [ArrowGateway] });
    const gateway = app.nest.get(ArrowGateway);
    const client = await app.connect('/arrow');
    client.send({ event: 'note' });
    await client.next('waiting');
    gateway.gate.resolve();
    await client.next('note');
    client.close(4001);
    await until('handleDisconnect', () => gateway.calls.length > 2);
    expect(gateway.calls).toEqual(['connected', 'note', 'transport close']);
  });

  it('run once for each of several gateways on one path, with one shared client', async () => {
    const app = await startApp({ providers: [FirstGateway, SecondGateway] });
    const [first, second] = [app.nest.get(FirstGateway), app.nest.get(SecondGateway)];
    const client = await app.connect('/shared');
    expect((await client.ask('first')).data).toEqual({ first: true, second: true });
    expect((await client.ask('second')).data).toEqual({ first: true, second: true });
    client.close();
    await until('both disconnects', () => first.disconnected.length + second.disconnects.length === 2);
    expect(second.connections.map(([socket]) => socket)).toEqual(first.connected);
    expect(first.connected).toHaveLength(1);
    expect(second.disconnects[0]?.[0]).toBe(first.disconnected[0]);
    expect(second.server.sockets.size).toBe(0);
  });
});
