import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Writable, type Duplex } from 'node:stream';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WebSocketServer } from 'ws';
import type { EnvelopeSocket } from '../../lib/index.js';
import {
  ignoreEndAfterClose,
  readAhead,
  ServerWebSocket,
  type WebSocketListener,
} from '../../lib/server/transport/web-socket-server.js';
import { hasUnusedSender } from '../../lib/ws/on-demand-parts.js';
import { startApp } from '../support/app.js';
import { clientFrame, closeBody, OP, RawClient, type FrameSpec } from '../support/raw-client.js';
import { until } from '../support/wait.js';

const texts: unknown[] = [];
const ends: string[] = [];
const sockets: EnvelopeSocket[] = [];

@WebSocketGateway({ path: '/ws', pingInterval: 0 })
class ClosingGateway {
  handleConnection(client: EnvelopeSocket): void {
    sockets.push(client);
  }
  handleDisconnect({ closed }: EnvelopeSocket): void {
    ends.push(`${closed!.code} ${closed!.reason} ${closed!.initiator}`);
  }
  @SubscribeMessage('text')
  onText(client: EnvelopeSocket, data: unknown): void {
    texts.push(data);
    if (data === 'pause') client.pause();
  }
}

const text = (data: string): FrameSpec => ({
  opcode: OP.text,
  payload: JSON.stringify({ event: 'text', data }),
});
const close = (code: number, reason: string | Buffer = ''): FrameSpec => ({
  opcode: OP.close,
  payload: closeBody(code, reason),
});

/** Whether the WebSocket has closed without the reader and the writer of `ws`. */
const isAnsweredAlone = ({ ws }: EnvelopeSocket): boolean =>
  hasUnusedSender(ws) && !(Reflect.get(ws, '_receiver') instanceof Writable);

const start = async (): Promise<() => Promise<RawClient>> => {
  const { port } = await startApp({ providers: [ClosingGateway] });
  // ws opens the first WebSocket of a process itself
  (await RawClient.connect(port, '/ws')).tcp.destroy();
  await until('the first client has disconnected', () => ends.length === 1);
  for (const list of [texts, ends, sockets]) list.splice(0);
  return () => RawClient.connect(port, '/ws');
};

describe('the close frame of a client', () => {
  beforeEach(() => {
    for (const list of [texts, ends, sockets]) list.splice(0);
  });

  it('is returned in one piece, without the reader and the writer of ws', async () => {
    const open = await start();
    const longest = 'ü'.repeat(61);
    const frames = [close(1000), close(3001, 'bye 😀'), close(4999, longest), { opcode: OP.close }];
    for (const frame of frames) {
      const client = await open();
      client.send(frame);
      expect((await client.frame()).bytes).toEqual(clientFrame({ ...frame, mask: false }));
      expect(await client.ended()).toHaveLength(0);
    }
    await until('all have disconnected', () => ends.length === frames.length);
    expect(ends).toEqual(['1000  client', '3001 bye 😀 client', `4999 ${longest} client`, '1005  client']);
    expect(sockets.map(isAnsweredAlone)).toEqual([true, true, true, true]);
    expect(sockets.map(({ ws }) => ws.bufferedAmount)).toEqual([0, 0, 0, 0]);
  });

  it('ends what is read: messages before it count, and none behind it', async () => {
    const open = await start();
    const client = await open();
    client.send(text('before'), close(1000, 'done'), text('behind'), close(3000));
    expect(await client.close()).toEqual({ code: 1000, reason: 'done' });
    client.send(text('late'));
    expect(await client.ended()).toHaveLength(0);
    await until('it has disconnected', () => ends.length === 1);
    expect([texts, ends]).toEqual([['before'], ['1000 done client']]);
  });

  it('ends a connection that a message before it has paused', async () => {
    const open = await start();
    const client = await open();
    client.send(text('pause'), close(1000));
    expect(await client.close()).toEqual({ code: 1000, reason: '' });
    await client.ended();
    await until('it has disconnected', () => ends.length === 1);
    expect([texts, ends]).toEqual([['pause'], ['1000  client']]);
  });

  it('is left to ws where it is malformed, split, or behind frames that ws reads', async () => {
    const open = await start();
    const invalid: [FrameSpec, number][] = [
      [{ opcode: OP.close, payload: 'x' }, 1002],
      [close(1005), 1002],
      [close(999), 1002],
      [close(5000), 1002],
      [close(1000, Buffer.from([0xff])), 1007],
      [close(1000, 'x'.repeat(124)), 1002],
      [{ ...close(1000), rsv: 4 }, 1002],
      [{ ...close(1000), fin: false }, 1002],
      [{ ...close(1000), mask: false }, 1002],
    ];
    for (const [frame, code] of invalid) {
      const client = await open();
      client.send(frame);
      expect([frame, await client.close()]).toEqual([frame, { code, reason: '' }]);
      await client.ended();
    }
    const split = await open();
    const bytes = clientFrame(close(3000, 'split'));
    split.tcp.write(bytes.subarray(0, 5));
    await until('a part has arrived', () => Reflect.get(sockets.at(-1)!.ws, 'reader') !== undefined);
    split.tcp.write(bytes.subarray(5));
    expect(await split.close()).toEqual({ code: 3000, reason: 'split' });
    const fragmented = await open();
    fragmented.send({ opcode: OP.text, payload: 'x', fin: false }, close(3000, 'fragmented'));
    expect(await fragmented.close()).toEqual({ code: 3000, reason: 'fragmented' });
    await until('all have disconnected', () => ends.length === invalid.length + 2);
    expect(sockets.some(isAnsweredAlone)).toBe(false);
  });

  it('ends the connection after the timeout of ws, if the client does not end it', async () => {
    const log: string[] = [];
    const listener: WebSocketListener = {
      maxPayload: 100,
      ...{ onMessage() {}, onPing() {}, onPong() {} },
      onError: (error) => log.push(error.message),
      onClosed: (code, reason) => log.push(`closed ${code} ${String(reason)}`),
    };
    const options = { noServer: true, WebSocket: ServerWebSocket, closeTimeout: 100 };
    const server = new WebSocketServer(options);
    const http = createServer().on('upgrade', (request, tcp: Duplex, head: Buffer) => {
      server.handleUpgrade(request, tcp, head, (ws) => {
        Object.assign(ws, { listener });
        readAhead(tcp, ws as ServerWebSocket);
        ignoreEndAfterClose(tcp);
      });
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const { port } = http.address() as AddressInfo;
    const head = `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`;
    const clients: Socket[] = [];
    try {
      for (const _ of [1, 2]) {
        // it does not answer the end of the connection
        const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        clients.push(client);
        client.write(head);
        await once(client, 'data');
        client.write(clientFrame(close(3000, 'held')));
        await once(client, 'end');
        await until('the server has closed it', () => log.length === clients.length);
      }
      expect(log).toEqual(['closed 3000 held', 'closed 3000 held']);
    } finally {
      for (const client of clients) client.destroy();
      server.close();
      http.close();
    }
  });
});
