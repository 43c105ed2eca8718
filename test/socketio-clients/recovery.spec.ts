import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable, UseGuards } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import type { Server, Socket } from 'socket.io';
import type { EnvelopeSocket } from '../../lib/index.js';
import { until } from '../support/wait.js';
import { describeOurs, describeServers, Settling, startIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type IoClient } from './io-client.js';

@WebSocketGateway()
class RecoveryGateway extends Settling {
  @WebSocketServer() readonly server!: Server;

  @SubscribeMessage('join')
  join(@ConnectedSocket() client: Socket, @MessageBody() room: string): string {
    client.data = { joined: room };
    void client.join(room);
    return client.id;
  }

  @SubscribeMessage('leave')
  leave(@ConnectedSocket() client: Socket, @MessageBody() room: string): string {
    void client.leave(room);
    return client.id;
  }

  @SubscribeMessage('self')
  self(@ConnectedSocket() client: Socket): unknown {
    return {
      recovered: client.recovered,
      rooms: [...client.rooms].filter((room) => room !== client.id),
      data: client.data,
    };
  }
}

const RECOVERY = {
  reference: { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } },
  ours: { recovery: true },
};

/** Ends the connection below a client, as a network does, and waits until the server has noticed. */
async function lose(app: IoApp, client: IoClient): Promise<void> {
  const { server } = app.nest.get(RecoveryGateway);
  const { id } = client.socket;
  client.socket.io.engine.close();
  const sockets = server.of('/').sockets as ReadonlyMap<string, unknown>;
  await until('the disconnect', () => !sockets.has(id!));
}

/** Connects a client again that has lost its connection. */
async function reconnect(client: IoClient): Promise<void> {
  client.socket.connect();
  await client.connected();
}

/** The arguments of an event, without the offset that Socket.IO appends. */
const withoutOffset = (args: readonly unknown[]): unknown[] => args.slice(0, -1);

describeServers('recovery', (server) => {
  describe.each(TRANSPORTS)('over %s', (transport) => {
    let app: IoApp;
    let io: Server;

    beforeEach(async () => {
      app = await startIoApp(server, { providers: [RecoveryGateway] }, RECOVERY);
      ({ server: io } = app.nest.get(RecoveryGateway));
    });

    const connect = async (): Promise<IoClient> => {
      const client = await app.connect('/', { transport });
      // the client knows its offset from the first event on
      io.emit('first');
      await client.next('first');
      return client;
    };

    it('restores id, rooms and data, and sends what was missed', async () => {
      const client = await connect();
      const [id] = await client.ask('join', 'red');
      await lose(app, client);
      io.to('red').emit('one', 1, 'two');
      io.to('blue').emit('other');
      io.emit('all', Buffer.from([1, 2]), { deep: [Buffer.from('x')] });
      await reconnect(client);
      expect(client.socket.recovered).toBe(true);
      expect(client.socket.id).toBe(id);
      expect(withoutOffset(await client.next('one'))).toEqual([1, 'two']);
      expect(withoutOffset(await client.next('all'))).toEqual([
        Buffer.from([1, 2]),
        { deep: [Buffer.from('x')] },
      ]);
      expect(await client.ask('self')).toEqual([
        { recovered: true, rooms: ['red'], data: { joined: 'red' } },
      ]);
      await client.settled();
      expect(client.of('other')).toEqual([]);
    });

    it('resumes again and again, each message once', async () => {
      const client = await connect();
      await client.ask('join', 'red');
      for (let round = 0; round < 3; round++) {
        await lose(app, client);
        io.to('red').emit('missed', round);
        await reconnect(client);
        expect(client.socket.recovered).toBe(true);
        io.to('red').emit('live', round);
        expect(withoutOffset(await client.next('missed'))).toEqual([round]);
        expect(withoutOffset(await client.next('live'))).toEqual([round]);
      }
      await client.settled();
      expect(client.of('missed')).toHaveLength(3);
      expect(client.of('live')).toHaveLength(3);
    });

    it('starts a new session for a client that has left, or whose offset is not known', async () => {
      const client = await connect();
      const [id] = await client.ask('join', 'red');
      await lose(app, client);
      Reflect.set(client.socket, '_lastOffset', 'no offset');
      await reconnect(client);
      expect(client.socket.recovered).toBe(false);
      expect(client.socket.id).not.toBe(id);
      expect(await client.ask('self')).toEqual([{ recovered: false, rooms: [], data: {} }]);
    });
  });
});

@Injectable()
class NameGuard implements CanActivate {
  calls = 0;

  canActivate(context: ExecutionContext): boolean {
    this.calls++;
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { token } = client.handshake.auth as { token?: string };
    client.user = { id: token };
    return token !== undefined;
  }
}

@WebSocketGateway()
@UseGuards(NameGuard)
class GuardedGateway extends RecoveryGateway {}

describeOurs('recovery of Socket.IO clients, with the rules of bare ones', () => {
  const start = (): Promise<IoApp> =>
    startIoApp(
      'ours',
      { providers: [GuardedGateway, NameGuard, { provide: RecoveryGateway, useExisting: GuardedGateway }] },
      RECOVERY,
    );

  async function connect(app: IoApp, token: string): Promise<IoClient> {
    const client = await app.connect('/', { auth: { token } });
    app.nest.get(RecoveryGateway).server.emit('first');
    await client.next('first');
    return client;
  }

  it('runs the guards again', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    const guard = app.nest.get(NameGuard);
    const before = guard.calls;
    await lose(app, client);
    await reconnect(client);
    expect(client.socket.recovered).toBe(true);
    expect(guard.calls).toBeGreaterThan(before);
  });

  it('starts a new session for another user', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    await client.ask('join', 'red');
    await lose(app, client);
    app.nest.get(RecoveryGateway).server.to('red').emit('secret');
    client.socket.auth = { token: 'bob' };
    await reconnect(client);
    expect(client.socket.recovered).toBe(false);
    await client.settled();
    expect(client.of('secret')).toEqual([]);
    expect(await client.ask('self')).toEqual([{ recovered: false, rooms: [], data: {} }]);
  });

  it('sends nothing that was sent to a room before the client joined it', async () => {
    const app = await start();
    const { server } = app.nest.get(RecoveryGateway);
    const client = await connect(app, 'ada');
    server.to('red').emit('before');
    await client.ask('join', 'red');
    await client.ask('leave', 'red');
    server.to('red').emit('between');
    await client.ask('join', 'red');
    await lose(app, client);
    server.to('red').emit('after');
    await reconnect(client);
    expect(client.socket.recovered).toBe(true);
    expect(withoutOffset(await client.next('after'))).toEqual([]);
    await client.settled();
    expect(client.of('before')).toEqual([]);
    expect(client.of('between')).toEqual([]);
  });

  it('keeps several arguments and bytes for it, and gives bare clients of the room their own form', async () => {
    const app = await start();
    const { server } = app.nest.get(RecoveryGateway);
    const client = await connect(app, 'ada');
    await client.ask('join', 'red');
    const bare = await app.bare('/?token=bob');
    await bare.ask('join', 'red');
    await lose(app, client);
    server.to('red').emit('news', 'two', { arguments: [Buffer.from('x')] });
    expect(await bare.next('news')).toMatchObject({ data: ['two', { arguments: ['eA=='] }] });
    await reconnect(client);
    expect(withoutOffset(await client.next('news'))).toEqual(['two', { arguments: [Buffer.from('x')] }]);
  });

  it('lets a pid be used by one connection at a time', async () => {
    const app = await start();
    const client = await connect(app, 'ada');
    await client.ask('join', 'red');
    const pid: unknown = Reflect.get(client.socket, '_pid');
    const offset: unknown = Reflect.get(client.socket, '_lastOffset');
    const { id } = client.socket;
    // the connection was lost, and the server has not noticed
    const second = await app.connect('/', { auth: { token: 'ada', pid, offset } });
    expect(second.socket.id).toBe(id);
    expect(await client.ended()).toBe('io server disconnect');
  });
});
