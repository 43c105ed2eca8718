import type { Socket } from 'node:net';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { arePartsOnDemand } from '../../lib/ws/on-demand-parts.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';

type AnyFunction = (...args: unknown[]) => unknown;

const sockets: EnvelopeSocket[] = [];
const disconnected: string[] = [];

@WebSocketGateway({ pingInterval: 100, pingTimeout: 1_500 })
class PlainGateway {
  handleConnection(client: EnvelopeSocket): void {
    sockets.push(client);
  }
  handleDisconnect(_client: EnvelopeSocket, reason: string): void {
    disconnected.push(reason);
  }
  @SubscribeMessage('echo')
  echo(_client: unknown, data: unknown): unknown {
    return data;
  }
}

/** Returns which parts of `ws` a WebSocket has made. */
const partsOf = ({ ws }: EnvelopeSocket): string[] =>
  Object.getOwnPropertySymbols(ws)
    .filter((key) => ['nestjs-envelope.receiver', 'nestjs-envelope.sender'].includes(key.description ?? ''))
    .filter((key) => (Reflect.get(ws, key) as object).constructor.name !== 'Unmade')
    .map((key) => key.description!.replace('nestjs-envelope.', ''));

describe('the reader and the writer of ws', () => {
  beforeEach(() => {
    sockets.splice(0);
    disconnected.splice(0);
  });

  // before the other tests: ws opens the first WebSocket of a process itself, which shows how it listens
  it('do not take the listeners that code of the application has wrapped for one connection', async () => {
    let connections = 0;
    const foreign: string[] = [];
    const wrapFirst = (tcp: Socket): void => {
      if (++connections > 1) return;
      const on = tcp.on.bind(tcp) as (event: string, listener: AnyFunction) => Socket;
      // as libraries do that keep a context for the events of an emitter
      tcp.on = ((event: string, listener: AnyFunction) => {
        if (event !== 'end' && event !== 'close') return on(event, listener);
        return on(event, function (this: unknown, ...args: unknown[]) {
          if (this !== tcp) foreign.push(event);
          return Reflect.apply(listener, this, args);
        });
      }) as Socket['on'];
    };
    const allowRequest: EnvelopeOptions['allowRequest'] = (request, done) => {
      wrapFirst(request.socket);
      done(null, true);
    };
    const app = await startApp({ providers: [PlainGateway] }, { adapter: { allowRequest } });
    await app.connect('/');
    const client = await app.connect('/');
    client.ws.close();
    await client.ended();
    await until('the client has disconnected', () => disconnected.length === 1);
    expect(foreign).toEqual([]);
  });

  it('are not made for messages and heartbeats', async () => {
    const app = await startApp({ providers: [PlainGateway] });
    // ws opens the first one itself
    await app.connect('/');
    expect(arePartsOnDemand()).toBe(true);
    const client = await app.connect('/');
    let pings = 0;
    client.ws.on('ping', () => pings++);
    const socket = sockets[1]!;
    let pongs = 0;
    socket.on('pong', () => pongs++);
    await until('three heartbeats', () => pings > 2 && pongs > 2);
    expect(await client.ask('echo', 'hello', 1)).toMatchObject({ ack: 1, data: 'hello' });
    expect(partsOf(socket)).toEqual([]);
    expect(socket.ws.bufferedAmount).toBe(0);
    expect(partsOf(socket)).toEqual(['sender']);
  });

  it('are made for what ws itself reads and writes', async () => {
    const app = await startApp({ providers: [PlainGateway] });
    await app.connect('/');
    const client = await app.connect('/');
    const socket = sockets[1]!;
    const ponged = new Promise<string>((resolve) => {
      client.ws.once('pong', (data: Buffer) => resolve(data.toString()));
    });
    client.ws.ping('are you there?');
    expect(await ponged).toBe('are you there?');
    expect(partsOf(socket).sort()).toEqual(['receiver', 'sender']);
    client.ws.ping();
    const text = new Promise<string>((resolve) => {
      client.ws.once('message', (data: Buffer) => resolve(data.toString()));
    });
    socket.ws.send('"raw"');
    expect(await text).toBe('"raw"');
  });

  it('are made for both ways of closing, and for connections that break', async () => {
    const app = await startApp({ providers: [PlainGateway] });
    await app.connect('/');
    const [byClient, byServer, broken] = [
      await app.connect('/'),
      await app.connect('/'),
      await app.connect('/'),
    ];
    byClient.ws.close(3001, 'bye');
    expect(await byClient.ended()).toMatchObject({ code: 3001 });
    sockets[2]!.close(3002, 'enough');
    expect(await byServer.ended()).toMatchObject({ code: 3002, reason: 'enough' });
    broken.ws.terminate();
    await until('all three have disconnected', () => disconnected.length === 3);
    expect(sockets.slice(1).map(({ closed }) => closed?.code)).toEqual([3001, 3002, 1006]);
  });
});
