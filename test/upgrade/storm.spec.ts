import type { Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { UseGuards, type CanActivate } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { UpgradePacing } from '../../lib/server/upgrade/upgrade-pacing.js';
import { startApp, type TestApp } from '../support/app.js';
import { heapBytes } from '../support/heap.js';
import { until } from '../support/wait.js';

/** Milliseconds for each client. */
const WORK = 4;
const CLIENTS = 16;

let turn = 0;
let turns: number[] = [];
/** Called with the number of clients so far. */
let onClient: (count: number) => void = () => undefined;

function work(milliseconds = WORK): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

@WebSocketGateway()
class BusyGateway {
  handleConnection(): void {
    turns.push(turn);
    onClient(turns.length);
    work();
  }
}

let guarded = 0;

class CountingGuard implements CanActivate {
  canActivate(): boolean {
    guarded++;
    return true;
  }
}

@UseGuards(CountingGuard)
@WebSocketGateway({ path: '/guarded' })
class GuardedGateway extends BusyGateway {}

const request = (path = '/'): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
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
    guarded = 0;
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

  it.each(['/', '/guarded'])('are spread over turns of the event loop: %s', async (path) => {
    const app = await startApp({ providers: [BusyGateway, GuardedGateway] });
    sockets = await openAll(app);
    let answers = 0;
    for (const tcp of sockets) tcp.once('data', () => answers++);
    for (const tcp of sockets) tcp.write(request(path));
    await until('all answers', () => answers === CLIENTS);
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
    for (const tcp of sockets) tcp.write(request());
    await until('the answers of the others', () => answers >= CLIENTS - 1);
    expect(answers).toBe(CLIENTS - 1);
    expect(turns).toHaveLength(CLIENTS - 1);
  });

  it('run no guard for a client that has half-closed its connection meanwhile', async () => {
    const app = await startApp({ providers: [GuardedGateway] });
    sockets = await openAll(app);
    const leaving = sockets.at(-2)!;
    let isClosed = false;
    leaving.once('close', () => (isClosed = true));
    onClient = (count) => {
      if (count === 3) leaving.end();
    };
    for (const tcp of sockets) tcp.write(request('/guarded'));
    await until('the others are connected', () => turns.length >= CLIENTS - 1);
    await until('the connection is closed', () => isClosed);
    expect(guarded).toBe(CLIENTS - 1);
  });

  it('get 503 if they wait when the application closes', async () => {
    const app = await startApp({ providers: [BusyGateway] });
    sockets = await openAll(app);
    const answers: string[] = [];
    for (const tcp of sockets)
      tcp.once('data', (data: Buffer) => answers.push(data.toString('latin1', 9, 12)));
    const closed = new Promise<void>((resolve, reject) => {
      onClient = (count) => {
        if (count === 3) app.nest.close().then(resolve, reject);
      };
    });
    for (const tcp of sockets) tcp.write(request());
    await closed;
    await until('all answers', () => answers.length === CLIENTS);
    expect(answers.filter((status) => status === '101').length).toBe(turns.length);
    expect(answers.filter((status) => status === '503').length).toBe(CLIENTS - turns.length);
  });

  it('are handled after a test with fake timers', async () => {
    const app = await startApp({ providers: [BusyGateway] });
    jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'performance', 'setTimeout', 'clearTimeout'] });
    try {
      await app.connect('/');
    } finally {
      jest.useRealTimers();
    }
    // longer than upgrades may take of a turn
    await pause(10);
    await app.connect('/');
    expect(turns).toHaveLength(2);
  });
});

describe('a storm that does not end', () => {
  it('keeps no upgrade that was handled', async () => {
    const pacing = new UpgradePacing();
    const sockets: WeakRef<PassThrough>[] = [];
    const kept = await new Promise<number>((resolve) => {
      const add = (): void => {
        const socket = new PassThrough();
        sockets.push(new WeakRef(socket));
        pacing.run(socket, () => {
          work();
          if (sockets.length < 30) return add();
          heapBytes(); // collects garbage
          resolve(sockets.filter((each) => each.deref() !== undefined).length);
        });
      };
      for (let count = 0; count < 4; count++) add();
    });
    // those that wait, and those of this turn
    expect(kept).toBeLessThan(10);
  });
});
