import { MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { UnauthorizedException, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  EnvelopeServer,
  EnvelopeSocket,
  type EnvelopeOptions,
  type RecoveryOptions,
} from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { RecoveringClient } from './recovery-client.js';

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { user, role } = client.handshake.auth;
    if (user === 'refused') throw new UnauthorizedException();
    if (user !== undefined) client.user = { id: user };
    if (role !== undefined) client.data.role = role;
    return true;
  }
}

@UseGuards(UserGuard)
@WebSocketGateway({ path: '/ws' })
export class Gateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly connected: EnvelopeSocket[] = [];
  readonly disconnected: string[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.connected.push(client);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    this.disconnected.push(client.id);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

export interface Node {
  app: TestApp;
  gateway: Gateway;
  server: EnvelopeServer;
  /** Returns the socket of the client. */
  socketOf(client: RecoveringClient): EnvelopeSocket;
  /** Resolves when the node knows that the client has disconnected. */
  lost(client: RecoveringClient): Promise<void>;
  /** The option `recovery.restore`. */
  restore?: RecoveryOptions['restore'];
}

export async function startNode(adapter: EnvelopeOptions): Promise<Node> {
  const recovery = typeof adapter.recovery === 'object' ? adapter.recovery : {};
  const restore: RecoveryOptions['restore'] = (client, session) => node.restore?.(client, session);
  const options = { ...adapter, recovery: { ...recovery, restore } };
  const app = await startApp({ providers: [Gateway] }, { adapter: options });
  const gateway = app.nest.get(Gateway);
  const { server } = gateway;
  const node: Node = {
    app,
    gateway,
    server,
    socketOf: ({ hello }) => server.sockets.get(hello.id)!,
    lost: ({ hello }) => until('the end of the connection', () => gateway.disconnected.includes(hello.id)),
  };
  return node;
}

/** @param start starts a cluster of nodes with recovery, and resolves when they know each other */
export function recoveryCases(start: () => Promise<Node[]>): void {
  let nodes: Node[];
  let here: Node;
  let there: Node;
  beforeEach(async () => {
    nodes = await start();
    here = nodes[0]!;
    there = nodes.at(-1)!;
  });

  it('restores the id, rooms and data of a client, and what it missed, in order and once', async () => {
    const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app);
    expect(ada.hello).toMatchObject({ recovered: false, features: expect.arrayContaining(['recovery']) });
    const socket = here.socketOf(ada);
    await socket.join(['red', 'blue']);
    socket.data = { score: 7 };
    here.server.emit('before');
    expect(await ada.settled()).toEqual(['before']);
    await ada.cut();
    await here.lost(ada);
    here.server.emit('all');
    here.server.to('red').emit('red', { n: 1 });
    here.server.to('green').emit('green');
    here.server.to('red').except('blue').emit('red but blue');
    socket.emit('direct');
    there.server.to(ada.hello.id).emit('by id');
    there.server.volatile.emit('volatile');
    const { id } = ada.hello;
    await ada.connect(there.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    there.server.to('blue').emit('after');
    expect(await ada.settled()).toEqual(['before', 'all', 'red', 'direct', 'by id', 'after']);
    const recoveredSocket = there.socketOf(ada);
    expect(recoveredSocket.recovered).toBe(true);
    expect(recoveredSocket.rooms).toEqual(new Set([id, 'red', 'blue']));
    expect(recoveredSocket.data).toEqual({ score: 7 });
    expect(recoveredSocket.user).toEqual({ id: 'ada' });
    expect(there.gateway.connected.at(-1)).toBe(recoveredSocket);
  });

  it('recovers a client that had received nothing', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    here.server.emit('first');
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['first']);
  });

  it('does not send events of a room from before the client joined', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const bob = await new RecoveringClient().connect(here.app);
    await here.socketOf(bob).join('red');
    here.server.to('red').emit('before');
    await bob.client.next('before');
    const socket = here.socketOf(ada);
    await socket.join('red');
    await ada.settled();
    await ada.cut();
    await here.lost(ada);
    here.server.to('red').emit('after');
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['after']);
  });

  it('works repeatedly, with a new token each time', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const tokens = new Set([ada.session]);
    const { id } = ada.hello;
    const sent: string[] = [];
    for (let round = 0; round < 5; round++) {
      const [from, to] = round % 2 === 0 ? [here, there] : [there, here];
      from.server.emit(`connected ${round}`);
      await ada.client.next(`connected ${round}`);
      await ada.cut();
      await from.lost({ hello: { id } } as RecoveringClient);
      from.gateway.disconnected.length = 0;
      from.server.emit(`away ${round}`);
      sent.push(`connected ${round}`, `away ${round}`);
      await ada.connect(to.app);
      expect(ada.hello).toMatchObject({ id, recovered: true });
      expect(await ada.settled()).toEqual(sent);
      tokens.add(ada.session);
    }
    expect(tokens.size).toBe(6);
  });

  it('accepts a token once, and no forged token', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const thief = Object.assign(new RecoveringClient(), { session: ada.session, offset: ada.offset });
    await ada.cut();
    await here.lost(ada);
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    // After this answer the server knows that the client has its new token.
    await ada.settled();
    const { id } = ada.hello;
    await thief.connect(here.app);
    expect(thief.hello.recovered).toBe(false);
    expect(thief.hello.id).not.toBe(id);
    for (const session of ['', 'x', `${id}.`, `${id}.${'A'.repeat(24)}`, '__proto__', 7, null, {}]) {
      const forger = Object.assign(new RecoveringClient(), { session, offset: ada.offset });
      await forger.connect(there.app);
      expect(forger.hello.recovered).toBe(false);
    }
    for (const offset of ['', '0', 'x-y', '9'.repeat(40), 7, null]) {
      await ada.cut();
      const forger = Object.assign(new RecoveringClient(), { session: ada.session, offset });
      await forger.connect(there.app);
      expect(forger.hello.recovered).toBe(false);
    }
    expect(await new RecoveringClient().connect(there.app)).toMatchObject({ hello: { recovered: false } });
  });

  it.each([false, true])(
    'accepts a token again if its successor never reached the client; known disconnect: %s',
    async (isKnown) => {
      const ada = await new RecoveringClient().connect(here.app);
      const { id } = ada.hello;
      await here.socketOf(ada).join('red');
      await ada.settled();
      await ada.cut();
      await here.lost(ada);
      here.server.to('red').emit('one');
      // This connection sends nothing, not even a pong.
      const silent = Object.assign(new RecoveringClient(), { session: ada.session, offset: ada.offset });
      await silent.connect(there.app, {}, { autoPong: false });
      expect(silent.hello).toMatchObject({ id, recovered: true });
      if (isKnown) {
        await silent.cut();
        await there.lost(ada);
      }
      here.server.to('red').emit('two');
      await ada.connect(here.app);
      expect(ada.hello).toMatchObject({ id, recovered: true });
      expect(await ada.settled()).toEqual(['one', 'two']);
      // Both attempts belonged to the same session.
      expect((await silent.connect(there.app)).hello.recovered).toBe(false);
      expect(await ada.settled()).toEqual(['one', 'two']);
    },
  );

  it('restores nothing when the guards identify another user, and runs them first', async () => {
    const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app);
    const stolen = { session: ada.session, offset: ada.offset };
    await ada.cut();
    await here.lost(ada);
    // The guard refuses the upgrade, and the session stays stored.
    await expect(
      Object.assign(new RecoveringClient({ user: 'refused' }), stolen).connect(there.app),
    ).rejects.toThrow('401');
    const { session } = ada;
    const eve = await Object.assign(new RecoveringClient({ user: 'eve' }), stolen).connect(there.app);
    expect(eve.hello.recovered).toBe(false);
    expect(there.socketOf(eve).user).toEqual({ id: 'eve' });
    // The session has been taken.
    expect((await Object.assign(ada, { session }).connect(there.app)).hello.recovered).toBe(false);
  });

  it.each([
    ['disconnected', (server: EnvelopeServer, id: string) => server.in(id).disconnectSockets()],
    ['removed from a room', (server: EnvelopeServer, id: string) => server.in(id).socketsLeave('red')],
  ])('restores nothing for a client that the server has %s meanwhile', async (_, change) => {
    const ada = await new RecoveringClient().connect(here.app);
    await here.socketOf(ada).join('red');
    await ada.cut();
    await here.lost(ada);
    change(here.server, ada.hello.id);
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(false);
    there.server.to('red').emit('secret');
    expect(await ada.settled()).toEqual([]);
  });

  it('stores nothing after a close by either side', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const bob = await new RecoveringClient().connect(here.app);
    ada.client.close(1000);
    here.socketOf(bob).disconnect();
    await Promise.all([ada.client.ended(), bob.client.ended(), here.lost(ada), here.lost(bob)]);
    for (const client of [ada, bob]) {
      await client.connect(there.app);
      expect(client.hello.recovered).toBe(false);
    }
  });

  it('takes over a connection that the server still considers open', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    await here.socketOf(ada).join('red');
    const dead = ada.client;
    dead.ws.pause();
    here.server.to('red').emit('lost on the way');
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['lost on the way']);
    await here.lost(ada);
    dead.ws.resume();
    expect(await dead.ended()).toEqual({ code: 1000, reason: 'resumed on another connection' });
    expect(await here.server.in(ada.hello.id).fetchSockets()).toHaveLength(1);
  });

  it('keeps the order of all kinds of messages, with offsets outside the payload', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const socket = here.socketOf(ada);
    const outgoing: unknown[] = [];
    socket.onAnyOutgoing((...args) => outgoing.push(args));
    const sent: string[] = [];
    for (let i = 0; i < 40; i += 4) {
      here.server.emit(`e${i}`, { i });
      socket.emit(`e${i + 1}`, i);
      socket.send(JSON.stringify({ event: `e${i + 2}` }));
      here.server.volatile.emit(`e${i + 3}`);
      sent.push(...[0, 1, 2, 3].map((j) => `e${i + j}`));
    }
    await ada.client.next('e39');
    expect(await ada.settled()).toEqual(sent);
    const frames = ada.client.frames as { event?: string; data?: unknown; offset?: string }[];
    expect(frames.find(({ event }) => event === 'e0')).toEqual({
      event: 'e0',
      data: { i: 0 },
      offset: expect.any(String),
    });
    expect(frames.find(({ event }) => event === 'e1')).toEqual({
      event: 'e1',
      data: 0,
      offset: expect.any(String),
    });
    expect(frames.find(({ event }) => event === 'e3')).toEqual({ event: 'e3' });
    expect(outgoing.slice(0, 3)).toEqual([['e0', { i: 0 }], ['e1', 0], ['e3']]);
    expect(await ada.client.ask('echo', 'still')).toMatchObject({ data: 'still' });
  });

  it('sends neither session nor offset to a plain client', async () => {
    const plain = await here.app.connect('/ws');
    here.server.emit('all', 1);
    expect(await plain.next('all')).toEqual({ event: 'all', data: 1 });
    expect(plain.frames).toHaveLength(1);
  });

  it('returns a session to the store when its handshake fails', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    const { hello } = ada;
    there.server.use((_, next) => next(new Error('not today')));
    await ada.open(there.app);
    await ada.client.ended();
    const other = nodes.length > 1 ? here : undefined;
    if (other === undefined) return;
    await ada.connect(other.app);
    expect(ada.hello).toMatchObject({ id: hello.id, recovered: true });
  });
}
