import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WebSocketGateway } from '@nestjs/websockets';
import { startApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';

/** Milliseconds for each client. */
const WORK = 4;
const CLIENTS = 16;

let turn = 0;
let turns: number[] = [];
/** Called with the number of clients so far. */
let onClient: (count: number) => void = () => undefined;

@WebSocketGateway()
class BusyGateway {
  handleConnection(): void {
    turns.push(turn);
    onClient(turns.length);
    for (const end = performance.now() + WORK; performance.now() < end;);
  }
}

const REQUEST =
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

/** Connects, and resolves when the server has accepted all: Node accepts one connection in each turn. */
async function openAll({ nest, port }: TestApp): Promise<Socket[]> {
  const http = nest.getHttpServer() as Server;
  let accepted = 0;
  http.on('connection', () => accepted++);
  const sockets = Array.from({ length: CLIENTS }, () =>
    connect(port, '127.0.0.1').on('error', () => undefined),
  );
  await until('the server has accepted all', () => accepted === CLIENTS);
  return sockets;
}

describe('many upgrades at once', () => {
  let sockets: Socket[] = [];
  let isCounting = false;

  beforeEach(() => {
    turn = 0;
    turns = [];
    onClient = () => undefined;
    isCounting = true;
    const count = (): void => {
      turn++;
      if (isCounting) setImmediate(count);
    };
    count();
  });
  afterEach(() => {
    isCounting = false;
    for (const tcp of sockets) tcp.destroy();
  });

  it('are spread over turns of the event loop, in order', async () => {
    const app = await startApp({ providers: [BusyGateway] });
    sockets = await openAll(app);
    const answers: number[] = [];
    sockets.forEach((tcp, index) => tcp.once('data', () => answers.push(index)));
    for (const tcp of sockets) tcp.write(REQUEST);
    await until('all answers', () => answers.length === CLIENTS);
    expect(turns).toHaveLength(CLIENTS);
    const perTurn = new Map<number, number>();
    for (const each of turns) perTurn.set(each, (perTurn.get(each) ?? 0) + 1);
    // two fit into the turn that reads the requests, and two into the same turn's share of those that wait
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(4);
  });

  it('do not stop at a client that has left meanwhile', async () => {
    const app = await startApp({ providers: [BusyGateway] });
    sockets = await openAll(app);
    let answers = 0;
    for (const tcp of sockets) tcp.once('data', () => answers++);
    // the third one is the first that waited, and the last but one waits still
    onClient = (count) => {
      if (count === 3) sockets.at(-2)!.resetAndDestroy();
    };
    for (const tcp of sockets) tcp.write(REQUEST);
    await until('the answers of the others', () => answers >= CLIENTS - 1);
    expect(answers).toBe(CLIENTS - 1);
    expect(turns).toHaveLength(CLIENTS - 1);
  });
});
