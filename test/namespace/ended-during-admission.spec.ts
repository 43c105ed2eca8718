import {
  OnGatewayConnection,
  OnGatewayDisconnect,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { observe, type EnvelopeServer, type EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

@WebSocketGateway({ path: '/ws' })
class Gateway implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer() readonly server!: EnvelopeServer;
  readonly calls: string[] = [];
  handleConnection(): void {
    this.calls.push('connection');
  }
  handleDisconnect(): void {
    this.calls.push('disconnect');
  }
}

describe('a client that the option identify disconnects', () => {
  it('is not connected: neither the gateway nor the diagnostics channels see it', async () => {
    const identify = (_user: unknown, client: EnvelopeSocket): string => {
      client.disconnect();
      return 'ada';
    };
    const app = await startApp({ providers: [Gateway] }, { adapter: { identify } });
    const gateway = app.nest.get(Gateway);
    const sockets: EnvelopeSocket[] = [];
    gateway.server.use((socket, next) => {
      sockets.push(socket);
      socket.user = { id: 1 };
      next();
    });
    const published: string[] = [];
    const stops = [
      observe('connect', () => published.push('connect')),
      observe('disconnect', () => published.push('disconnect')),
    ];
    const client = await app.connect('/ws');
    expect((await client.ended()).code).toBe(1000);
    for (const stop of stops) stop();
    expect(published).toEqual([]);
    expect(gateway.calls).toEqual([]);
    expect(sockets[0]!.connected).toBe(false);
    expect(gateway.server.sockets.size).toBe(0);
  });
});
