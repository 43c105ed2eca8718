import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

const connected: EnvelopeSocket[] = [];

@WebSocketGateway({ path: '/ws' })
class EchoGateway {
  handleConnection(client: EnvelopeSocket): void {
    connected.push(client);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

it('replaces the frame reader only for a connection whose socket has another data listener', async () => {
  const app = await startApp({ providers: [EchoGateway] });
  const http = app.nest.getHttpServer() as Server;
  let bytes = 0;
  http.once('connection', (tcp: Socket) => tcp.on('data', (piece: Buffer) => (bytes += piece.length)));
  for (const data of [1, 2]) {
    const client = await app.connect('/ws');
    expect((await client.ask('echo', data)).data).toBe(data);
  }
  const usesReader = (client: EnvelopeSocket): boolean => Reflect.get(client.ws, 'reader') !== undefined;
  expect(connected.map(usesReader)).toEqual([false, true]);
  expect(bytes).toBeGreaterThan(0);
});
