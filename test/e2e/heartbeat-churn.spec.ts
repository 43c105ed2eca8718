import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocket } from 'ws';
import { startApp, type TestApp } from '../support/app.js';

@WebSocketGateway({ path: '/ws' })
class PlainGateway {
  @SubscribeMessage('echo')
  echo(): void {}
}

const STAYING = 10;
const PINGS = 5;

/** Comes and goes at once. */
function visit(app: TestApp): Promise<void> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(app.url('/ws'));
    ws.on('open', () => ws.close());
    ws.on('close', () => resolve());
    ws.on('error', reject);
  });
}

it('those who stay are pinged while others come and go all the time', async () => {
  const app = await startApp(
    { providers: [PlainGateway] },
    { adapter: { pingInterval: 200, pingTimeout: 5_000 } },
  );
  const stay = async (): Promise<void> => {
    const { ws } = await app.connect('/ws');
    let pings = 0;
    await new Promise<void>((resolve) => ws.on('ping', () => ++pings === PINGS && resolve()));
  };
  let isOver = false;
  const comeAndGo = async (): Promise<void> => {
    while (!isOver) await visit(app);
  };
  const others = Array.from({ length: 8 }, comeAndGo);
  await Promise.all(Array.from({ length: STAYING }, stay));
  isOver = true;
  await Promise.all(others);
});
