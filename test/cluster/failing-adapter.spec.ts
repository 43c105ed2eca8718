import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Adapter } from 'socket.io-adapter';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { coded } from '../support/error-code.js';

const fail = (): Promise<never> => Promise.reject(new Error('the broker is unreachable'));

/** A cluster adapter whose broker is unreachable: local operations work, and each promise rejects. */
class FailingAdapter extends Adapter {
  override init(): Promise<void> {
    return fail();
  }
  override close(): Promise<void> {
    return fail();
  }
  override addAll(...args: Parameters<Adapter['addAll']>): Promise<void> {
    void super.addAll(...args);
    return fail();
  }
  override del(...args: Parameters<Adapter['del']>): Promise<void> {
    void super.del(...args);
    return fail();
  }
  override delAll(id: string): Promise<void> {
    super.delAll(id);
    return fail();
  }
  override broadcast(...args: Parameters<Adapter['broadcast']>): Promise<void> {
    super.broadcast(...args);
    return fail();
  }
  override broadcastWithAck(...args: Parameters<Adapter['broadcastWithAck']>): Promise<void> {
    super.broadcastWithAck(...args);
    return fail();
  }
  override addSockets(...args: Parameters<Adapter['addSockets']>): Promise<void> {
    super.addSockets(...args);
    return fail();
  }
  override delSockets(...args: Parameters<Adapter['delSockets']>): Promise<void> {
    super.delSockets(...args);
    return fail();
  }
  override disconnectSockets(...args: Parameters<Adapter['disconnectSockets']>): Promise<void> {
    super.disconnectSockets(...args);
    return fail();
  }
  override serverSideEmit(): Promise<void> {
    return fail();
  }
  override serverCount(): Promise<number> {
    return fail();
  }
  override fetchSockets(): Promise<never> {
    return fail();
  }
}

@WebSocketGateway({ path: '/ws' })
class ClusterGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('join')
  join(@ConnectedSocket() client: EnvelopeSocket, @MessageBody() room: string): void {
    // Not awaited, like in most applications.
    void client.join(room);
    void client.leave('another');
    client.nsp.in(room).socketsJoin('more');
    client.nsp.in(room).socketsLeave('more');
  }
}

describe('a cluster adapter whose broker is unreachable', () => {
  expectNoUnhandledErrors();

  it('rejects cluster operations, serves local clients, and leaves no unhandled rejection', async () => {
    const app = await startApp({ providers: [ClusterGateway] }, { adapter: { adapter: FailingAdapter } });
    const server = app.adapter.create(0, { path: '/ws' });
    const [ada, bob] = [await app.connect('/ws'), await app.connect('/ws')];
    expect(await ada.ask('echo', 1)).toMatchObject({ data: 1 });
    expect(await ada.ask('join', 'red')).toMatchObject({ event: 'join' });
    server.to('red').emit('news', 1);
    expect(await ada.next('news')).toEqual({ event: 'news', data: 1 });
    await expect(server.fetchSockets()).rejects.toThrow('the broker is unreachable');
    await expect(server.timeout(5).emitWithAck('question')).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
    await expect(server.serverSideEmitWithAck('question')).rejects.toThrow('the broker is unreachable');
    server.serverSideEmit('news', 1);
    server.to('red').disconnectSockets();
    expect(await ada.ended()).toMatchObject({ code: 1000 });
    bob.ws.terminate();
    await until('the disconnect of all clients', () => server.sockets.size === 0);
    await app.nest.close();
    expect(app.log.of('error').join()).toContain('the broker is unreachable');
  });
});
