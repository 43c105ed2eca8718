import type { Socket } from 'node:net';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { deferred, until } from '../support/wait.js';

let gone: EnvelopeSocket[] = [];
let connected: EnvelopeSocket[] = [];
let released = deferred();

@WebSocketGateway({ pingInterval: 100, pingTimeout: 1_000, limits: { maxInFlight: 1 } })
class PausedGateway {
  handleConnection(client: EnvelopeSocket): void {
    connected.push(client);
  }
  handleDisconnect(client: EnvelopeSocket): void {
    gone.push(client);
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

/** Messages after which the line is paused before all are read; the heartbeat may read these, and more. */
const FLOOD = 230;
const PADDING = 'x'.repeat(2_000);

async function hold(
  { client, socket }: { client: TestClient; socket: EnvelopeSocket },
  count = FLOOD,
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

/** As long as it takes to find somebody dead who came now: a client that is nobody's concern here is. */
async function aTimeout(app: TestApp): Promise<void> {
  const { socket } = await join(app, true);
  await until('a timeout', () => gone.includes(socket));
  gone = gone.filter((one) => one !== socket);
}

describe('the heartbeat of a line that is paused', () => {
  beforeEach(() => {
    [gone, connected, released] = [[], [], deferred()];
  });

  it.each([
    ['by the gateway', false],
    ['by the gateway through ws', true],
  ])('%s does not beat; who is dead after it is found then', async (_name, isRaw) => {
    const app = await startApp({ providers: [PausedGateway] });
    const [alive, dead] = [await join(app, false), await join(app, true)];
    const lines = [alive, dead].map(({ socket }) => (isRaw ? socket.ws : socket));
    lines.forEach((line) => line.pause());
    await aTimeout(app);
    await aTimeout(app);
    expect(gone).toEqual([]);

    lines.forEach((line) => line.resume());
    await until('the end of the dead', () => gone.length > 0);
    expect(gone).toEqual([dead.socket]);
    expect(dead.socket.closed).toMatchObject({ code: 1006, initiator: 'network' });
    await alive.client.settled();
  });

  it('by the gateway, while too much waits, too, is not read on', async () => {
    const app = await startApp({ providers: [PausedGateway] });
    const { client, socket } = await join(app, true);
    await hold({ client, socket });
    socket.pause();
    await aTimeout(app);
    expect([gone, socket.isPaused]).toEqual([[], true]);
    released.resolve();
    await until('what was read is handled', () => answered(client) >= 128 && socket._inFlight === 0);
    expect(socket.isPaused).toBe(true);
    socket.resume();
    await until('all is handled', () => answered(client) === FLOOD);
    await until('the end of the dead', () => gone.includes(socket));
  });
});

describe('the heartbeat of a line that is paused since too much waits', () => {
  beforeEach(() => {
    [gone, connected, released] = [[], [], deferred()];
  });

  it('finds who is dead, and nobody else', async () => {
    const app = await startApp({ providers: [PausedGateway] });
    const [alive, dead] = [await join(app, false), await join(app, true)];
    await Promise.all([hold(alive), hold(dead)]);
    await until('the end of the dead', () => gone.length > 0);
    expect(gone).toEqual([dead.socket]);
    expect(dead.socket.closed).toMatchObject({ code: 1006, initiator: 'network' });
    released.resolve();
    expect(await alive.client.answer(FLOOD - 1)).toMatchObject({ event: 'work' });
    await alive.client.settled();
  });

  it.each([
    ['says goodbye', (client: TestClient) => client.ws.close(1000), 'client namespace disconnect'],
    ['hangs up', (client: TestClient) => tcpSocketOf(client).end(), 'transport close'],
    ['is cut off', (client: TestClient) => tcpSocketOf(client).resetAndDestroy(), 'transport error'],
  ])('finds who %s', async (_how, leave, reason) => {
    const app = await startApp({ providers: [PausedGateway] });
    const { client, socket } = await join(app, false);
    const reasons: string[] = [];
    socket.on('disconnect', (word) => reasons.push(word));
    await hold({ client, socket });
    leave(client);
    await until('the end', () => gone.includes(socket));
    expect(reasons.map((word) => (word === 'transport error' ? 'transport close' : word))).toEqual([
      reason === 'transport error' ? 'transport close' : reason,
    ]);
    await until('nobody is left', () => app.adapter.create(0).engine.clientsCount === 0);
  });

  it('lets those live of whom more waits than it reads on, until the line has stood still', async () => {
    const app = await startApp({ providers: [PausedGateway] }, { adapter: { connectTimeout: 2_000 } });
    const [alive, frozen] = [await join(app, false), await join(app, true)];
    await Promise.all([hold(alive, 1_000), hold(frozen, 1_000)]);
    // reads no more, not even the goodbye
    tcpSocketOf(frozen.client).pause();
    await aTimeout(app);
    expect(gone).toEqual([]);
    expect(alive.socket.isPaused).toBe(true);
    expect((await alive.client.ended()).code).toBe(1013);
    await until('nobody is left', () => app.adapter.create(0).engine.clientsCount === 0);
    expect(new Set(gone)).toEqual(new Set([alive.socket, frozen.socket]));
  });
});
