import { Adapter } from 'socket.io-adapter';
import { bareGateway, connectPair } from '../socketio/fixture.js';
import { startApp } from '../support/app.js';
import { got, startBareApp } from '../support/bare-gateway.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { coded } from '../support/error-code.js';

/** The broker is unreachable: calls to other nodes reject, work on the local node succeeds. */
class BrokenAdapter extends Adapter {
  private fail(): Promise<never> {
    return Promise.reject(new Error('the broker is away'));
  }
  override addAll(id: string, rooms: Set<string>): Promise<void> {
    void super.addAll(id, rooms);
    return this.fail();
  }
  override delAll(id: string): Promise<void> {
    super.delAll(id);
    return this.fail();
  }
  override broadcast(packet: unknown, options: never): Promise<void> {
    super.broadcast(packet, options);
    return this.fail();
  }
  override addSockets(): Promise<void> {
    return this.fail();
  }
  override delSockets(): Promise<void> {
    return this.fail();
  }
  override disconnectSockets(): Promise<void> {
    return this.fail();
  }
  override fetchSockets(): Promise<never> {
    return this.fail();
  }
  override serverCount(): Promise<never> {
    return this.fail();
  }
  override serverSideEmit(): Promise<void> {
    return this.fail();
  }
  override close(): Promise<void> {
    return this.fail();
  }
}

describe('an adapter that rejects its promises', () => {
  expectNoUnhandledErrors();

  it('serves the local clients, logs the errors and keeps the connections open', async () => {
    const { app, server, gateway, join } = await startBareApp({ adapter: BrokenAdapter });
    const [ada, bob] = await join(2);
    server.emit('all');
    ada!.socket.to(bob!.socket.id).emit('bob');
    server.socketsJoin('room');
    server.socketsLeave('room');
    server.disconnectSockets();
    server.serverSideEmit('news');
    expect((await got(bob!.client)).map(([event]) => event)).toEqual(['all', 'bob']);
    await expect(server.fetchSockets()).rejects.toThrow('the broker is away');
    await expect(server.timeout(20).emitWithAck('q')).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
    ada!.client.close();
    await until('ada leaving', () => gateway.disconnected.length === 1);
    await app.nest.close();
    expect((await bob!.client.ended()).code).toBe(1001);
    expect(app.log.of('error').length).toBeGreaterThanOrEqual(8);
    for (const line of app.log.of('error')) expect(line).toContain('the broker is away');
  });

  it('removes a dynamic namespace with its last client', async () => {
    const Rooms = bareGateway({ namespace: /^\/room-\d+$/, adapter: BrokenAdapter });
    const app = await startApp({ providers: [Rooms] });
    const { server } = app.nest.get(Rooms);
    const { client, socket } = await connectPair(app, server, '/room-1');
    client.close();
    await client.ended();
    await until('the connection has closed', () => socket.readyState === socket.CLOSED);
    const again = await connectPair(app, server, '/room-1');
    expect(again.socket.nsp).not.toBe(socket.nsp);
  });
});
