import { setImmediate as turn } from 'node:timers/promises';
import { WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { Bus } from '../support/bus.js';
import { BareGateway } from '../support/bare-gateway.js';
import { RawClient } from '../support/raw-client.js';
import { until } from '../support/wait.js';
import { ask, BUSY, wanted, withHealth } from './fixture.js';

@WebSocketGateway({ namespace: /^\/game-\d+$/ })
class GameGateway {}

const serve = (adapter: EnvelopeOptions = {}): Promise<TestApp> =>
  startApp(withHealth({ providers: [BareGateway, GameGateway] }), { adapter });

describe('isHealthy', () => {
  beforeEach(() => (wanted.options = BUSY));

  it('is up, and reports connections by declared routes', async () => {
    const app = await serve();
    await Promise.all(['/ws', '/ws', '/game-1', '/game-2'].map((path) => app.connect(path)));
    const { code, websocket } = await ask(app, '/health');
    expect(code).toBe(200);
    const alone = { cluster: 'alone', nodes: 1 };
    const game = Object.keys(websocket.routes).find((route) => route.includes('game'))!;
    expect(websocket).toEqual({
      status: 'up',
      connections: 4,
      eventLoopLag: expect.any(Number),
      outbox: { total: 0, fullest: 0 },
      draining: false,
      routes: { '/ws': { connections: 2, ...alone }, [game]: { connections: 2, ...alone } },
    });
  });

  it('is down while more bytes are buffered than allowed', async () => {
    const app = await serve();
    const { connected } = app.nest.get(BareGateway);
    const raw = await RawClient.connect(app.port, '/ws');
    raw.tcp.pause();
    const socket = connected[0]!;
    while (socket.bufferedAmount === 0) {
      socket.emit('bulk', 'x'.repeat(60_000));
      await turn();
    }
    const { bufferedAmount } = socket;
    wanted.options = { ...BUSY, maxOutboxBytes: bufferedAmount };
    expect(await ask(app, '/health')).toMatchObject({
      code: 200,
      websocket: { outbox: { total: bufferedAmount, fullest: bufferedAmount } },
    });
    wanted.options = { ...BUSY, maxOutboxBytes: bufferedAmount - 1 };
    const { code, websocket } = await ask(app, '/health');
    expect(code).toBe(503);
    expect(websocket).toMatchObject({
      status: 'down',
      message: `${bufferedAmount} bytes wait to be sent to clients (maxOutboxBytes: ${bufferedAmount - 1})`,
    });
    raw.tcp.resume();
    await until('the connection to drain', () => socket.bufferedAmount === 0);
    expect((await ask(app, '/health')).code).toBe(200);
    raw.tcp.destroy();
  });

  it('is down while the event loop is blocked', async () => {
    const app = await serve();
    wanted.options = { maxEventLoopLag: 300 };
    const block = (): void => {
      const end = performance.now() + 500;
      while (performance.now() < end);
    };
    // the first measurement is available at the second request
    let answer = await ask(app, '/health');
    await until('a measurement', async () => {
      block();
      answer = await ask(app, '/health');
      return answer.code === 503;
    });
    const { websocket } = answer;
    expect(websocket.message).toMatch(/^the event loop is delayed by \d+ ms \(maxEventLoopLag: 300\)$/);
    expect(websocket.eventLoopLag).toBeGreaterThan(300);
    await until('the indicator to recover', async () => (await ask(app, '/health')).code === 200);
  });

  it('reports an unreachable broker, and is down only with requireCluster', async () => {
    const bus = new Bus();
    bus.stall();
    const app = await serve({ adapter: bus.adapter });
    const { server } = app.nest.get(BareGateway);
    await until('the broker to become unreachable', () => server.cluster.state === 'away');
    const { code, websocket } = await ask(app, '/health');
    expect(code).toBe(200);
    expect(websocket.routes['/ws']).toEqual({ connections: 0, cluster: 'away', nodes: 1 });
    wanted.options = { ...BUSY, requireCluster: true };
    const needed = await ask(app, '/health');
    expect(needed.code).toBe(503);
    expect(needed.websocket.message).toContain("the cluster's broker is unreachable: ");
    bus.resume();
    await until('the broker to be reachable again', async () => (await ask(app, '/health')).code === 200);
  });
});
