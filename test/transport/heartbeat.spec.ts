import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';

const disconnected: [EnvelopeSocket, string][] = [];

// Both ends live in this one process: a busy machine must not reach the timeout.
@WebSocketGateway({ pingInterval: 100, pingTimeout: 1_500 })
class HeartbeatGateway {
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    disconnected.push([client, reason]);
  }
  @SubscribeMessage('echo')
  echo(data: unknown): unknown {
    return data;
  }
}

describe('the heartbeat', () => {
  beforeEach(() => void disconnected.splice(0));

  it('disconnects a client that sends no pong and keeps the others', async () => {
    const app = await startApp({ providers: [HeartbeatGateway] });
    const alive = await app.connect('/');
    let pings = 0;
    alive.ws.on('ping', () => pings++);
    const dead = await app.connect('/', { autoPong: false });

    expect((await dead.ended()).code).toBe(1006);
    expect(disconnected.map(([client, reason]) => [reason, client.closed])).toEqual([
      ['ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' }],
    ]);
    await until('a second ping', () => pings > 2);
    expect(await alive.ask('echo', 1, 1)).toMatchObject({ ack: 1 });
    expect(disconnected).toHaveLength(1);
  });

  it('accepts a message in place of a pong', async () => {
    const app = await startApp({ providers: [HeartbeatGateway] });
    const active = await app.connect('/', { autoPong: false });
    let pings = 0;
    active.ws.on('ping', () => {
      pings++;
      active.send({ event: '$ping' });
    });
    await until('four pings', () => pings >= 4);
    expect(disconnected).toEqual([]);
  });

  it('announces pingInterval to a client of envelope.v1', async () => {
    const app = await startApp({ providers: [HeartbeatGateway] });
    const client = await app.connect('/', { protocols: ['envelope.v1'] });
    expect(client.ws.protocol).toBe('envelope.v1');
    expect((await client.next('$session')).data).toEqual({
      id: expect.any(String),
      recovered: false,
      pingInterval: 100,
      pingTimeout: expect.any(Number),
      maxPayload: 1_000_000,
      maxJsonDepth: 64,
      features: expect.arrayContaining(['ack', 'stream']),
    });
    await client.settled();
    expect(client.frames[0]?.event).toBe('$session');
  });
});
