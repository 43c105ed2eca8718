import type { AddressInfo } from 'node:net';
import { Controller, Get } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { EnvelopeAdapter, EnvelopeServer } from '../../lib/index.js';
import { RecordingLogger, startApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { got, BareGateway, startBareApp } from '../support/bare-gateway.js';
import { deferred, until } from '../support/wait.js';

declare const HTTP_PLATFORM: 'express' | 'fastify';

@WebSocketGateway({ path: '/other' })
class OtherGateway {
  @WebSocketServer() server!: EnvelopeServer;
}

@Controller()
class PagesController {
  @Get('page')
  page(): string {
    return 'a page';
  }
  @Get('ws')
  samePath(): string {
    return 'a page on the path of the gateway';
  }
}

/** Returns the resources that keep the process alive and that were not open `before`. */
function newResources(before: string[]): string[] {
  const remaining = process.getActiveResourcesInfo();
  for (const name of before) {
    const index = remaining.indexOf(name);
    if (index !== -1) remaining.splice(index, 1);
  }
  return remaining.filter((name) => !name.startsWith('Immediate'));
}

describe('closing as in Socket.IO', () => {
  it('ends every socket and refuses new clients in close(), with a callback or a promise', async () => {
    const app = await startApp({ providers: [BareGateway, OtherGateway] });
    const gateway = app.nest.get(BareGateway);
    const clients = [await app.connect('/ws'), await app.connect('/ws')];
    const otherClient = await app.connect('/other');
    const calls: unknown[][] = [];
    await gateway.server.close((...args: unknown[]) => calls.push(args));
    expect(calls).toEqual([[]]);
    for (const client of clients) {
      expect(await client.ended()).toEqual({ code: 1001, reason: 'server shutting down' });
    }
    expect(gateway.disconnected.map(([, reason]) => reason)).toEqual(Array(2).fill('server shutting down'));
    expect(gateway.server.sockets.size).toBe(0);
    await expect(app.connect('/ws')).rejects.toThrow('503');
    await gateway.server.close();
    // close() affects one namespace, not the whole server.
    await otherClient.settled();
    expect(otherClient.closed).toBeUndefined();
  });

  it('ends clients that are still connecting in close(), and none of them connects later', async () => {
    const checked = deferred();
    const asked = deferred();
    const { app, gateway, server } = await startBareApp({
      // The middleware answers after the shutdown timeout.
      shutdownTimeout: 50,
      allowRequest: (request, callback) => {
        if (request.url !== '/ws?slow') return callback(null, true);
        asked.resolve();
        void checked.promise.then(() => callback(null, true));
      },
    });
    let accept: () => void = () => undefined;
    server.use((_socket, next) => (accept = next));
    const inMiddleware = await app.connect('/ws');
    const inCheck = app.connect('/ws?slow');
    await asked.promise;
    await server.close();
    accept();
    checked.resolve();
    for (const client of [inMiddleware, await inCheck]) {
      expect(await client.ended()).toEqual({ code: 1001, reason: 'server shutting down' });
    }
    expect([gateway.connected.length, server.sockets.size]).toEqual([0, 0]);
  });

  it('stops the listener and ends every socket when the application closes', async () => {
    const { app, gateway, join } = await startBareApp();
    const pairs = await join(2);
    const { port } = app;
    await app.nest.close();
    for (const { client } of pairs) expect((await client.ended()).code).toBe(1001);
    expect(gateway.disconnected).toHaveLength(2);
    const late = new TestClient(`ws://127.0.0.1:${port}/ws`);
    await expect(late.opened()).rejects.toThrow('ECONNREFUSED');
  });

  it('closes an application whose HTTP server never listened', async () => {
    const module = await Test.createTestingModule({ providers: [BareGateway] })
      .setLogger(new RecordingLogger())
      .compile();
    const nest = module.createNestApplication(
      HTTP_PLATFORM === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(),
    );
    nest.useWebSocketAdapter(new EnvelopeAdapter(nest));
    await nest.init();
    await nest.get(BareGateway).server.close();
    await nest.close();
  });

  it('leaves no timer and no handle open after close', async () => {
    const before = process.getActiveResourcesInfo();
    const { app, server, join } = await startBareApp({ shutdownTimeout: 100 });
    const [ada, bob] = await join(2);
    void server
      .timeout(60_000)
      .emitWithAck('unanswered')
      .catch(() => undefined);
    void ada!.socket
      .timeout(60_000)
      .emitWithAck('unanswered')
      .catch(() => undefined);
    server.use(() => undefined); // never calls next
    const waiting = await app.connect('/ws');
    const disconnected = await app.connect('/ws');
    disconnected.ws.terminate();
    bob!.client.ws.terminate();
    await until('bob leaving', () => server.sockets.size === 1);
    await app.nest.close();
    for (const client of [ada!.client, waiting]) expect((await client.ended()).code).toBe(1001);
    let remaining: string[] = [];
    await until('the end of all handles', () => (remaining = newResources(before)).length === 0).catch(
      () => undefined,
    );
    expect(remaining).toEqual([]);
  });

  it('closes only the connection of a client that violates the protocol', async () => {
    const { server, gateway, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    const rawSocket = (client: TestClient) =>
      Reflect.get(client.ws, '_socket') as { write(bytes: Buffer): void };
    rawSocket(ada!.client).write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])); // not masked
    rawSocket(bob!.client).write(Buffer.from([0x83, 0x80, 0, 0, 0, 0])); // an opcode that does not exist
    expect((await ada!.client.ended()).code).toBe(1002);
    expect((await bob!.client.ended()).code).toBe(1002);
    await until('both leaving', () => server.sockets.size === 1);
    expect(gateway.disconnected.map(([, reason]) => reason)).toEqual(['parse error', 'parse error']);
    expect(await got(eve!.client)).toEqual([]);
  });

  it('ends the connection once in disconnect() and disconnect(true)', async () => {
    const { gateway, join } = await startBareApp();
    const [ada, bob] = await join(2);
    expect(ada!.socket.disconnect()).toBe(ada!.socket);
    bob!.socket.disconnect(true);
    bob!.socket.disconnect();
    for (const { client, socket } of [ada!, bob!]) {
      expect(await client.ended()).toEqual({ code: 1000, reason: '' });
      expect([socket.connected, socket.closed?.initiator]).toEqual([false, 'server']);
      await until('the connection has closed', () => socket.readyState === socket.CLOSED);
    }
    expect(gateway.disconnected).toEqual([
      [ada!.socket, 'server namespace disconnect'],
      [bob!.socket, 'server namespace disconnect'],
    ]);
  });

  it('leaves other routes and upgrades of the HTTP server working', async () => {
    const app = await startApp({ providers: [BareGateway], controllers: [PagesController] });
    const http = app.nest.getHttpServer();
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const client = await app.connect('/ws');
    expect(await (await fetch(`${url}/page`)).text()).toBe('a page');
    expect(await (await fetch(`${url}/ws`)).text()).toBe('a page on the path of the gateway');
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);

    http.on('upgrade', (request: { url: string }, socket: { end(text: string): void }) => {
      if (request.url === '/foreign') socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\n\r\n');
    });
    await expect(app.connect('/foreign')).rejects.toThrow('418');
    await client.settled();

    await app.nest.get(BareGateway).server.close();
    expect(await (await fetch(`${url}/page`)).text()).toBe('a page');
  });
});
