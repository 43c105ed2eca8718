import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../support/app.js';

@WebSocketGateway({ path: '/ws' })
class PlainGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

const LONG_LIVED = 10;
const PINGS = 5;

/** Connects and closes at once. */
function connectAndClose(app: TestApp): Promise<void> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(app.url('/ws'));
    ws.on('open', () => ws.close());
    ws.on('close', () => resolve());
    ws.on('error', reject);
  });
}

it('pings long-lived clients while others constantly connect and disconnect', async () => {
  const app = await startApp(
    { providers: [PlainGateway] },
    { adapter: { pingInterval: 200, pingTimeout: 5_000 } },
  );
  const waitForPings = async (): Promise<void> => {
    const { ws } = await app.connect('/ws');
    let pings = 0;
    await new Promise<void>((resolve) => ws.on('ping', () => ++pings === PINGS && resolve()));
  };
  let isOver = false;
  const reconnectRepeatedly = async (): Promise<void> => {
    while (!isOver) await connectAndClose(app);
  };
  const others = Array.from({ length: 8 }, reconnectRepeatedly);
  await Promise.all(Array.from({ length: LONG_LIVED }, waitForPings));
  isOver = true;
  await Promise.all(others);
});
