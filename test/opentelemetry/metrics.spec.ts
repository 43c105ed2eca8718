import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket, type EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { RawClient } from '../support/raw-client.js';
import { until } from '../support/wait.js';
import { useTelemetry } from './fixture.js';

@WebSocketGateway({ path: '/ws' })
class CountedGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly sockets: EnvelopeSocket[] = [];

  handleConnection(client: EnvelopeSocket): void {
    this.sockets.push(client);
  }
  @SubscribeMessage('say')
  say(): number {
    return 1;
  }
  @SubscribeMessage('fails')
  fails(): never {
    throw new RangeError('on the server');
  }
  @SubscribeMessage('refuses')
  refuses(): never {
    throw new WsException('no');
  }
  @SubscribeMessage('join')
  join(@ConnectedSocket() client: EnvelopeSocket): void | Promise<void> {
    return client.join(['a', 'b']);
  }
}

@WebSocketGateway({ namespace: /^\/game-\d+$/ })
class GameGateway {
  @SubscribeMessage('say')
  say(): number {
    return 1;
  }
}

const serve = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp({ providers: [CountedGateway, GameGateway] }, { adapter });

const AT = { messaging_destination_name: '/ws' };

describe('the metrics', () => {
  const telemetry = useTelemetry();

  it('count connections, messages, refusals and limits', async () => {
    const app = await serve({ maxPayload: 1_000, limits: { maxRooms: 1 } });
    const { server } = app.nest.get(CountedGateway);
    const clients = await Promise.all([1, 2, 3].map(() => app.connect('/ws')));
    let bytes = 0;
    const ask = async (event: string, id: number, data?: string): Promise<void> => {
      const text = JSON.stringify({ event, data, id });
      bytes += Buffer.byteLength(text);
      clients[0]!.send(text);
      await clients[0]!.answer(id);
    };
    for (let id = 1; id <= 5; id++) await ask('say', id, 'é');
    for (const [id, event] of ['fails', 'refuses', 'made up', 'join'].entries()) await ask(event, id);
    server.emit('news');
    clients[0]!.send({ event: 'exception' });
    bytes += Buffer.byteLength('{"event":"exception"}');
    for (const path of ['/nowhere', '/ws'])
      await expect(app.connect(path, { headers: { origin: 'http://evil.example' } })).rejects.toThrow('40');
    clients[1]!.ws.close(4_321);
    clients[2]!.send('x'.repeat(2_000));
    await until('two clients to disconnect', () => server.sockets.size === 1);

    const scrape = await telemetry().scrape();
    const total = (name: string, labels = {}): number | undefined => scrape.value(`${name}_total`, labels);
    expect(scrape.value('envelope_connections_active', AT)).toBe(1);
    expect(total('envelope_connections_opened', AT)).toBe(3);
    expect(total('envelope_connections_closed')).toBe(2);
    const byClient = { envelope_disconnect_reason: 'transport close', envelope_close_code: '_OTHER' };
    expect(total('envelope_connections_closed', { ...AT, ...byClient })).toBe(1);
    const tooLarge = { envelope_disconnect_reason: 'parse error', envelope_close_code: '1009' };
    expect(total('envelope_connections_closed', { ...AT, ...tooLarge })).toBe(1);
    const refused = (status: string, reason: string): number | undefined =>
      total('envelope_upgrades_refused', {
        http_response_status_code: status,
        envelope_refusal_reason: reason,
      });
    expect(refused('404', 'path')).toBe(1);
    expect(refused('403', 'origin')).toBe(1);
    expect(total('messaging_client_consumed_messages', AT)).toBe(10);
    expect(total('envelope_io', { ...AT, network_io_direction: 'receive' })).toBe(bytes);
    expect(total('envelope_messages_refused', { envelope_code: 'unknown_event' })).toBe(1);
    expect(total('envelope_messages_refused', { envelope_code: 'reserved_event' })).toBe(1);
    expect(total('messaging_client_sent_messages', { messaging_operation_name: 'broadcast' })).toBe(1);
    expect(total('envelope_limits_hit', { envelope_limit: 'maxPayload' })).toBe(1);
    expect(total('envelope_limits_hit', { envelope_limit: 'maxRooms', ...AT })).toBe(1);

    const handled = (event: string, outcome: string, more = {}): number | undefined =>
      scrape.value('messaging_process_duration_count', {
        ...{ messaging_system: 'envelope', ...AT, envelope_event: event, envelope_outcome: outcome },
        ...more,
      });
    expect(handled('say', 'ok')).toBe(5);
    expect(handled('fails', 'error', { error_type: 'RangeError' })).toBe(1);
    expect(handled('refuses', 'refused')).toBe(1);
    expect(handled('join', 'refused')).toBe(1);
    expect(handled('_OTHER', 'refused')).toBe(1);
    expect(scrape.value('messaging_process_duration_count')).toBe(9);
    expect(scrape.text).toContain('le="0.005"');
    for (const made of ['made up', 'nowhere', '4321', 'evil']) expect(scrape.text).not.toContain(made);
  });

  it('report the buffered bytes of a slow reader, and its dropped messages', async () => {
    const app = await serve({ limits: { maxBufferedBytes: 500_000 } });
    const gateway = app.nest.get(CountedGateway);
    const raw = await RawClient.connect(app.port, '/ws');
    raw.tcp.pause();
    const socket = gateway.sockets[0]!;
    while (socket.bufferedAmount === 0) {
      socket.emit('bulk', 'x'.repeat(60_000));
      await new Promise(setImmediate);
    }
    socket.volatile.emit('cursor', 1);
    gateway.server.volatile.emit('cursor', 2);
    const { bufferedAmount } = socket;
    let scrape = await telemetry().scrape();
    expect(scrape.value('envelope_outbox_size', AT)).toBe(bufferedAmount);
    expect(scrape.value('envelope_drops_total', { ...AT, envelope_drop_reason: 'volatile' })).toBe(2);

    while (socket.connected) {
      socket.emit('bulk', 'x'.repeat(60_000));
      await new Promise(setImmediate);
    }
    scrape = await telemetry().scrape();
    expect(scrape.value('envelope_outbox_size', AT)).toBe(0);
    expect(scrape.value('envelope_drops_total', { envelope_drop_reason: 'maxBufferedBytes' })).toBe(1);
    expect(scrape.value('envelope_limits_hit_total', { envelope_limit: 'maxBufferedBytes' })).toBe(1);
    expect(scrape.value('envelope_connections_closed_total', { envelope_close_code: '1013' })).toBe(1);
    raw.tcp.destroy();
  });

  it('use declared routes as labels, not the paths of clients', async () => {
    const app = await serve();
    const clients = await Promise.all([1, 2, 3].map((game) => app.connect(`/game-${game}`)));
    for (const client of clients) await client.ask('say');
    const scrape = await telemetry().scrape();
    const routes = new Set(scrape.samples.map(({ labels }) => labels['messaging_destination_name']));
    const route = [...routes].find((name) => name?.includes('game'))!;
    // Nest creates a server on the root for a RegExp namespace
    routes.delete('/');
    expect(routes).toEqual(new Set(['/ws', route, undefined]));
    expect(scrape.value('envelope_connections_active', { messaging_destination_name: route })).toBe(3);
    expect(scrape.text).not.toContain('game-1');
  });

  it('report an unreachable broker of the cluster', async () => {
    const bus = new Bus();
    bus.stall();
    const app = await serve({ adapter: bus.adapter });
    const { server } = app.nest.get(CountedGateway);
    const stateOf = async (state: string): Promise<number | undefined> =>
      (await telemetry().scrape()).value('envelope_cluster_status', { ...AT, envelope_cluster_state: state });
    await until('the broker to become unreachable', () => server.cluster.state === 'away');
    expect(await stateOf('away')).toBe(1);
    expect(await stateOf('connected')).toBe(0);
    bus.resume();
    await until('the broker to be reachable again', () => server.cluster.state === 'connected');
    expect(await stateOf('away')).toBe(0);
    expect(await stateOf('connected')).toBe(1);
  });

  it('report the state of the cluster, and drop a closed server', async () => {
    const app = await serve();
    let scrape = await telemetry().scrape();
    expect(scrape.value('envelope_cluster_status', { ...AT, envelope_cluster_state: 'alone' })).toBe(1);
    expect(scrape.value('envelope_cluster_status', { ...AT, envelope_cluster_state: 'away' })).toBe(0);
    expect(scrape.value('envelope_cluster_nodes', AT)).toBe(1);
    await app.close();
    scrape = await telemetry().scrape();
    expect(scrape.value('envelope_cluster_nodes', AT)).toBe(0);
    expect(scrape.value('envelope_cluster_status')).toBe(0);
  });
});
