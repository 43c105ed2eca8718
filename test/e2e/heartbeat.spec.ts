import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { until } from '../support/wait.js';

const gone: [EnvelopeSocket, string][] = [];

// A timeout that a busy machine does not reach by itself: both ends live in this one process.
@WebSocketGateway({ pingInterval: 100, pingTimeout: 1_500 })
class BeatingGateway {
  handleDisconnect(client: EnvelopeSocket, reason: string): void {
    gone.push([client, reason]);
  }
  @SubscribeMessage('echo')
  echo(data: unknown): unknown {
    return data;
  }
}

describe('the heartbeat', () => {
  beforeEach(() => void gone.splice(0));

  it('cuts a client that answers no ping, and leaves the others alone', async () => {
    const app = await startApp({ providers: [BeatingGateway] });
    const alive = await app.connect('/');
    let pings = 0;
    alive.ws.on('ping', () => pings++);
    const dead = await app.connect('/', { autoPong: false });

    expect((await dead.ended()).code).toBe(1006);
    expect(gone.map(([client, reason]) => [reason, client.closed])).toEqual([
      ['ping timeout', { code: 1006, reason: '', wasClean: false, initiator: 'network' }],
    ]);
    await until('a second ping', () => pings > 2);
    expect(await alive.ask('echo', 1, 1)).toMatchObject({ ack: 1 });
    expect(gone).toHaveLength(1);
  });

  it('takes a message for a sign of life', async () => {
    const app = await startApp({ providers: [BeatingGateway] });
    const chatty = await app.connect('/', { autoPong: false });
    let pings = 0;
    chatty.ws.on('ping', () => {
      pings++;
      chatty.send({ event: '$ping' });
    });
    await until('four pings', () => pings >= 4);
    expect(gone).toEqual([]);
  });

  it('tells a client of envelope.v1 how often it comes', async () => {
    const app = await startApp({ providers: [BeatingGateway] });
    const client = await app.connect('/', { protocols: ['envelope.v1'] });
    expect(client.ws.protocol).toBe('envelope.v1');
    expect((await client.next('$session')).data).toEqual({
      id: expect.any(String),
      recovered: false,
      pingInterval: 100,
      maxPayload: 1_000_000,
      features: expect.arrayContaining(['ack', 'stream']),
    });
    await client.settled();
    expect(client.frames[0]?.event).toBe('$session');
  });
});
