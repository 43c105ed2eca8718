import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Controller, Get } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { startApp, type TestApp } from '../support/app.js';
import { selfSigned } from '../support/certificate.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class ChatGateway {}

let work = deferred();
let isWorking = false;

@Controller()
class SlowController {
  @Get('slow')
  async slow(): Promise<string> {
    isWorking = true;
    await work.promise;
    return 'done';
  }
}

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const start = (https?: { key: string; cert: string }): Promise<TestApp> =>
  startApp({ providers: [ChatGateway], controllers: [SlowController] }, https && { https });

async function open({ port }: TestApp, isSecure = false): Promise<Socket> {
  const socket = isSecure
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect(port, '127.0.0.1');
  sockets.push(socket.on('error', () => undefined));
  await once(socket, isSecure ? 'secureConnect' : 'connect');
  return socket.resume();
}

/** Resolves when the server has accepted so many connections. */
async function accepted({ nest }: TestApp, count: number): Promise<void> {
  const server = nest.getHttpServer() as {
    getConnections(callback: (error: unknown, count: number) => void): void;
  };
  await until('the connections', async () => {
    return (await new Promise((resolve) => server.getConnections((_, found) => resolve(found)))) === count;
  });
}

/** Browsers open connections in advance, and load balancers look whether a port is open. */
describe('an application that closes', () => {
  it('does not wait for a connection that sends nothing', async () => {
    const app = await start();
    const socket = await open(app);
    await accepted(app, 1);
    await Promise.all([app.nest.close(), once(socket, 'close')]);
  });

  it('does not wait for a TLS connection that sends nothing', async () => {
    const app = await start(selfSigned());
    const socket = await open(app, true);
    await accepted(app, 1);
    await Promise.all([app.nest.close(), once(socket, 'close')]);
  });

  it('does not wait for the rest of a first request', async () => {
    const app = await start();
    const socket = await open(app);
    socket.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n');
    await accepted(app, 1);
    await Promise.all([app.nest.close(), once(socket, 'close')]);
  });

  it('answers a request that has arrived', async () => {
    const app = await start();
    const [slow, unused] = [await open(app), await open(app)];
    [work, isWorking] = [deferred(), false];
    let answer = '';
    slow.on('data', (text) => (answer += String(text)));
    slow.write('GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    await until('the request', () => isWorking);
    const closed = Promise.all([app.nest.close(), once(slow, 'close')]);
    await once(unused, 'close');
    expect(answer).toBe('');
    work.resolve();
    await closed;
    expect(answer).toMatch(/^HTTP\/1.1 200 [^]*done/);
  });

  it('forgets connections that end unused', async () => {
    const app = await start();
    for (let i = 0; i < 200; i++) (await open(app)).destroy();
    await accepted(app, 0);
    const socket = await open(app);
    await accepted(app, 1);
    await Promise.all([app.nest.close(), once(socket, 'close')]);
  });
});
