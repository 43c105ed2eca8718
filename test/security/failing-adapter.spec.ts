import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Adapter } from 'socket.io-adapter';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

const away = (): Promise<never> => Promise.reject(new Error('the broker is away'));

/** A cluster adapter whose broker is away: what is local goes on, every promise of it fails. */
class FailingAdapter extends Adapter {
  override init(): Promise<void> {
    return away();
  }
  override close(): Promise<void> {
    return away();
  }
  override addAll(...args: Parameters<Adapter['addAll']>): Promise<void> {
    void super.addAll(...args);
    return away();
  }
  override del(...args: Parameters<Adapter['del']>): Promise<void> {
    void super.del(...args);
    return away();
  }
  override delAll(id: string): Promise<void> {
    super.delAll(id);
    return away();
  }
  override broadcast(...args: Parameters<Adapter['broadcast']>): Promise<void> {
    super.broadcast(...args);
    return away();
  }
  override broadcastWithAck(...args: Parameters<Adapter['broadcastWithAck']>): Promise<void> {
    super.broadcastWithAck(...args);
    return away();
  }
  override addSockets(...args: Parameters<Adapter['addSockets']>): Promise<void> {
    super.addSockets(...args);
    return away();
  }
  override delSockets(...args: Parameters<Adapter['delSockets']>): Promise<void> {
    super.delSockets(...args);
    return away();
  }
  override disconnectSockets(...args: Parameters<Adapter['disconnectSockets']>): Promise<void> {
    super.disconnectSockets(...args);
    return away();
  }
  override serverSideEmit(): Promise<void> {
    return away();
  }
  override serverCount(): Promise<number> {
    return away();
  }
  override fetchSockets(): Promise<never> {
    return away();
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
    // as most do: not awaited
    void client.join(room);
    void client.leave('another');
    client.nsp.in(room).socketsJoin('more');
    client.nsp.in(room).socketsLeave('more');
  }
}

describe('a cluster adapter whose broker is away', () => {
  expectNoUnhandledErrors();

  it('fails what needs the cluster, serves what is local, and strays no rejection', async () => {
    const app = await startApp({ providers: [ClusterGateway] }, { adapter: { adapter: FailingAdapter } });
    const server = app.adapter.create(0, { path: '/ws' });
    const [ada, bob] = [await app.connect('/ws'), await app.connect('/ws')];
    expect(await ada.ask('echo', 1)).toMatchObject({ data: 1 });
    expect(await ada.ask('join', 'red')).toMatchObject({ event: 'join' });
    server.to('red').emit('told', 1);
    expect(await ada.next('told')).toEqual({ event: 'told', data: 1 });
    await expect(server.fetchSockets()).rejects.toThrow('the broker is away');
    await expect(server.timeout(5).emitWithAck('asked')).rejects.toThrow('operation has timed out');
    await expect(server.serverSideEmitWithAck('asked')).rejects.toThrow('the broker is away');
    server.serverSideEmit('told', 1);
    server.to('red').disconnectSockets();
    expect(await ada.ended()).toMatchObject({ code: 1000 });
    bob.ws.terminate();
    await until('the end of all', () => server.sockets.size === 0);
    await app.nest.close();
    expect(app.log.of('error').join()).toContain('the broker is away');
  });
});
