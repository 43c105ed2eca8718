import type { Socket } from 'node:net';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { deferred, until } from '../support/wait.js';

let disconnected: EnvelopeSocket[] = [];
let connected: EnvelopeSocket[] = [];
let released = deferred();

@WebSocketGateway({ pingInterval: 100, pingTimeout: 1_000, limits: { maxInFlight: 1 } })
class PausedGateway {
  handleConnection(client: EnvelopeSocket): void {
    connected.push(client);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    disconnected.push(client);
  }
  @SubscribeMessage('work')
  work(): Promise<void> {
    return released.promise;
  }
}

async function join(app: TestApp, isDead: boolean): Promise<{ client: TestClient; socket: EnvelopeSocket }> {
  const client = await app.connect('/', { autoPong: !isDead });
  await until('the connection', () => connected.length > 0);
  return { client, socket: connected.pop()! };
}

/** The number of messages that pauses the connection before all are read. The heartbeat may read these, and more. */
const MESSAGE_COUNT = 230;
const PADDING = 'x'.repeat(2_000);

async function sendUntilPaused(
  { client, socket }: { client: TestClient; socket: EnvelopeSocket },
  count = MESSAGE_COUNT,
): Promise<void> {
  const paused = new Promise<void>((resolve) => {
    const { ws } = socket;
    const pause = ws.pause.bind(ws);
    ws.pause = () => {
      pause();
      resolve();
    };
  });
  for (let id = 0; id < count; id++) client.send({ event: 'work', id, data: PADDING });
  await paused;
}

const answered = ({ frames }: TestClient): number => frames.filter(({ event }) => event === 'work').length;
const tcpSocketOf = ({ ws }: TestClient): Socket => Reflect.get(ws, '_socket') as Socket;

/** Waits until a separate client that connects now and sends no pong is disconnected. */
async function waitForTimeout(app: TestApp): Promise<void> {
  const { socket } = await join(app, true);
  await until('the ping timeout', () => disconnected.includes(socket));
  disconnected = disconnected.filter((one) => one !== socket);
}

describe('the heartbeat of a paused connection', () => {
  beforeEach(() => {
    [disconnected, connected, released] = [[], [], deferred()];
  });

  it.each([
    ['by the gateway', false],
    ['by the gateway through ws', true],
  ])('paused %s stops, and detects a dead client after the connection is resumed', async (_name, isRaw) => {
    const app = await startApp({ providers: [PausedGateway] });
    const [alive, dead] = [await join(app, false), await join(app, true)];
    const connections = [alive, dead].map(({ socket }) => (isRaw ? socket.ws : socket));
    connections.forEach((connection) => connection.pause());
    await waitForTimeout(app);
    await waitForTimeout(app);
    expect(disconnected).toEqual([]);

    connections.forEach((connection) => connection.resume());
    await until('the dead client is disconnected', () => disconnected.length > 0);
    expect(disconnected).toEqual([dead.socket]);
    expect(dead.socket.closed).toMatchObject({ code: 1006, initiator: 'network' });
    await alive.client.settled();
  });

  it('paused by the gateway does not resume a connection on which too many messages wait', async () => {
    const app = await startApp({ providers: [PausedGateway] });
    const { client, socket } = await join(app, true);
    await sendUntilPaused({ client, socket });
    socket.pause();
    await waitForTimeout(app);
    expect([disconnected, socket.isPaused]).toEqual([[], true]);
    released.resolve();
    await until(
      'the messages that were read are handled',
      () => answered(client) >= 128 && socket._requests.inFlight === 0,
    );
    expect(socket.isPaused).toBe(true);
    socket.resume();
    await until('all messages are handled', () => answered(client) === MESSAGE_COUNT);
    await until('the dead client is disconnected', () => disconnected.includes(socket));
  });

  it('paused by the gateway leaves a resume by the gateway without effect while too many messages wait', async () => {
    const app = await startApp({ providers: [PausedGateway] });
    const { client, socket } = await join(app, false);
    await sendUntilPaused({ client, socket });
    socket.pause();
    await waitForTimeout(app);
    socket.resume();
    expect(socket.isPaused).toBe(true);
    released.resolve();
    await until('all messages are handled', () => answered(client) === MESSAGE_COUNT);
    expect(socket.isPaused).toBe(false);
  });
});

describe('the heartbeat of a connection that is paused because too many messages wait', () => {
  beforeEach(() => {
    [disconnected, connected, released] = [[], [], deferred()];
  });

  it('detects a dead client and keeps the others', async () => {
    const app = await startApp({ providers: [PausedGateway] });
    const [alive, dead] = [await join(app, false), await join(app, true)];
    await Promise.all([sendUntilPaused(alive), sendUntilPaused(dead)]);
    await until('the dead client is disconnected', () => disconnected.length > 0);
    expect(disconnected).toEqual([dead.socket]);
    expect(dead.socket.closed).toMatchObject({ code: 1006, initiator: 'network' });
    released.resolve();
    expect(await alive.client.answer(MESSAGE_COUNT - 1)).toMatchObject({ event: 'work' });
    await alive.client.settled();
  });

  it.each([
    ['closes', (client: TestClient) => client.ws.close(1000), 'client namespace disconnect'],
    ['ends its TCP connection', (client: TestClient) => tcpSocketOf(client).end(), 'transport close'],
    [
      'resets its TCP connection',
      (client: TestClient) => tcpSocketOf(client).resetAndDestroy(),
      'transport error',
    ],
  ])('detects a client that %s', async (_how, disconnect, reason) => {
    const app = await startApp({ providers: [PausedGateway] });
    const { client, socket } = await join(app, false);
    const reasons: string[] = [];
    socket.on('disconnect', (actual) => reasons.push(actual));
    await sendUntilPaused({ client, socket });
    disconnect(client);
    await until('the disconnect', () => disconnected.includes(socket));
    expect(reasons.map((actual) => (actual === 'transport error' ? 'transport close' : actual))).toEqual([
      reason === 'transport error' ? 'transport close' : reason,
    ]);
    await until('no client is left', () => app.adapter.create(0).engine.clientsCount === 0);
  });

  it('keeps clients with more waiting messages than it reads, until the connection has stood still too long', async () => {
    const app = await startApp({ providers: [PausedGateway] }, { adapter: { connectTimeout: 8_000 } });
    const [alive, frozen] = [await join(app, false), await join(app, true)];
    await Promise.all([sendUntilPaused(alive, 1_000), sendUntilPaused(frozen, 1_000)]);
    // This client does not read anything more, not even the close frame.
    tcpSocketOf(frozen.client).pause();
    await waitForTimeout(app);
    expect(disconnected).toEqual([]);
    expect(alive.socket.isPaused).toBe(true);
    expect((await alive.client.ended()).code).toBe(1013);
    await until('no client is left', () => app.adapter.create(0).engine.clientsCount === 0);
    expect(new Set(disconnected)).toEqual(new Set([alive.socket, frozen.socket]));
  });
});
