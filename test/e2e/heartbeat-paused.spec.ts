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

  it('by too many requests in flight does not beat either', async () => {
    const app = await startApp({ providers: [PausedGateway] });
    const [alive, dead] = [await join(app, false), await join(app, true)];
    for (const { client, socket } of [alive, dead]) {
      for (let id = 0; id < 200; id++) client.send({ event: 'work', id });
      await until('the pause', () => socket.isPaused);
    }
    await aTimeout(app);
    expect(gone).toEqual([]);

    released.resolve();
    await alive.client.answer(199);
    await until('the end of the dead', () => gone.length > 0);
    expect(gone).toEqual([dead.socket]);
    await alive.client.settled();
  });
});
