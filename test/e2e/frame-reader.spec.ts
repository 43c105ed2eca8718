import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

const seen: EnvelopeSocket[] = [];

@WebSocketGateway({ path: '/ws' })
class EchoGateway {
  handleConnection(client: EnvelopeSocket): void {
    seen.push(client);
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}

it('one connection that somebody looks at leaves the others their reader', async () => {
  const app = await startApp({ providers: [EchoGateway] });
  const http = app.nest.getHttpServer() as Server;
  let bytes = 0;
  http.once('connection', (tcp: Socket) => tcp.on('data', (piece: Buffer) => (bytes += piece.length)));
  for (const data of [1, 2]) {
    const client = await app.connect('/ws');
    expect((await client.ask('echo', data)).data).toBe(data);
  }
  const isAhead = (client: EnvelopeSocket): boolean => Reflect.get(client.ws, 'reader') !== undefined;
  expect(seen.map(isAhead)).toEqual([false, true]);
  expect(bytes).toBeGreaterThan(0);
});
