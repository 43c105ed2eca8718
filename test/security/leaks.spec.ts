import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { OP } from '../support/raw-client.js';
import { besiege, type Siege } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CLIENTS = Number(process.env['LEAK_CLIENTS'] ?? 500);
const AT_ONCE = 50;

@WebSocketGateway({ path: '/ws' })
class LeakGateway {
  readonly seen: WeakRef<EnvelopeSocket>[] = [];
  disconnects = 0;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.seen.push(new WeakRef(client));
    client.on('close', () => undefined);
    client.on('heard', () => undefined);
    client.onAny(() => undefined);
    client.use((_event, next) => next());
    await client.join(['everybody', `own ${client.id}`]);
  }
  handleDisconnect(): void {
    this.disconnects++;
  }
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('busy')
  busy(@ConnectedSocket() client: EnvelopeSocket): void {
    client.timeout(60_000).emit('asked', 1, () => undefined);
    client.emitWithAck('asked').catch(() => undefined);
    client.to('everybody').volatile.emit('told', 1);
    client.nsp
      .in(client.id)
      .timeout(1)
      .emit('asked', 1, () => undefined);
  }
  @SubscribeMessage('never')
  never(): unknown {
    return new Promise(() => undefined);
  }
  @SubscribeMessage('stream')
  stream(): unknown {
    return NEVER;
  }
  @SubscribeMessage('by hand')
  byHand(@Ack() _ack: () => void): void {}
}

/** Comes, has something of everything in flight, and goes in one of the ways there are. */
async function visit({ raw }: Siege<LeakGateway>, way: number): Promise<void> {
  const client = await raw(way % 2 === 0 ? {} : { 'Sec-WebSocket-Protocol': 'envelope.v1' });
  const messages: object[] = ['busy', 'stream', 'heard', 'nobody'].map((event) => ({ event }));
  for (const event of ['never', 'stream', 'by hand', 'heard'])
    messages.push({ event, id: event, stream: true });
  client.send(...messages.map((message) => ({ opcode: OP.text, payload: JSON.stringify(message) })));
  client.text({ event: 'echo', data: 'last', id: 0 });
  while (!(await client.message()).includes('"last"'));
  if (way % 4 === 0) client.tcp.destroy();
  else if (way % 4 === 1) client.send({ opcode: OP.close });
  else if (way % 4 === 2) client.send({ opcode: 3 });
  else client.tcp.end();
  await client.over();
}

/** Sockets that somebody still holds, once the garbage was collected. */
async function held(gateway: LeakGateway): Promise<number> {
  // a WeakRef keeps what it gave out until the turn is over
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return gateway.seen.filter((reference) => reference.deref() !== undefined).length;
}

describe('clients that came and went', () => {
  expectNoUnhandledErrors();

  it(
    'are held by nobody',
    besiege(LeakGateway)(
      async (siege) => {
        for (let done = 0; done < CLIENTS; done += AT_ONCE) {
          await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => visit(siege, i)));
        }
        await until('all disconnects', () => siege.gateway.disconnects === CLIENTS);
        expect(siege.server.sockets.size).toBe(1);
        expect(siege.gateway.seen).toHaveLength(CLIENTS + 1);
        siege.forget();
        // the witness is there, and a socket or two may be on some stack
        await until('the end of all references', async () => (await held(siege.gateway)) <= 3);
      },
      ['asked', 'told'],
    ),
    60_000,
  );
});
