import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { NEVER } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';
import { OP } from '../support/raw-client.js';
import { underAttack, type AttackHarness } from '../support/attack-harness.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const CLIENTS = Number(process.env['LEAK_CLIENTS'] ?? 500);
const AT_ONCE = 50;

@WebSocketGateway({ path: '/ws' })
class LeakGateway {
  readonly references: WeakRef<EnvelopeSocket>[] = [];
  disconnects = 0;

  async handleConnection(client: EnvelopeSocket): Promise<void> {
    this.references.push(new WeakRef(client));
    client.on('close', () => undefined);
    client.on('listened', () => undefined);
    client.onAny(() => undefined);
    client.use((_event, next) => next());
    await client.join(['all', `own ${client.id}`]);
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
    client.timeout(60_000).emit('question', 1, () => undefined);
    client.emitWithAck('question').catch(() => undefined);
    client.to('all').volatile.emit('news', 1);
    client.nsp
      .in(client.id)
      .timeout(1)
      .emit('question', 1, () => undefined);
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

/** Connects, starts one operation of each kind, and disconnects in one of four ways. */
async function connectAndDisconnect({ raw }: AttackHarness<LeakGateway>, way: number): Promise<void> {
  const client = await raw(way % 2 === 0 ? {} : { 'Sec-WebSocket-Protocol': 'envelope.v1' });
  const messages: object[] = ['busy', 'stream', 'listened', 'unhandled'].map((event) => ({ event }));
  for (const event of ['never', 'stream', 'by hand', 'listened'])
    messages.push({ event, id: event, stream: true });
  client.send(...messages.map((message) => ({ opcode: OP.text, payload: JSON.stringify(message) })));
  client.text({ event: 'echo', data: 'last', id: 0 });
  while (!(await client.message()).includes('"last"'));
  if (way % 4 === 0) client.tcp.destroy();
  else if (way % 4 === 1) client.send({ opcode: OP.close });
  else if (way % 4 === 2) client.send({ opcode: 3 });
  else client.tcp.end();
  await client.ended();
}

/** Returns how many sockets are still reachable after a garbage collection. */
async function reachableSockets(gateway: LeakGateway): Promise<number> {
  // A WeakRef keeps a dereferenced target alive until the current task ends.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return gateway.references.filter((reference) => reference.deref() !== undefined).length;
}

describe('disconnected clients', () => {
  expectNoUnhandledErrors();

  it(
    'are garbage collected',
    underAttack(LeakGateway)(
      async (harness) => {
        for (let done = 0; done < CLIENTS; done += AT_ONCE) {
          await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => connectAndDisconnect(harness, i)));
        }
        await until('all disconnects', () => harness.gateway.disconnects === CLIENTS);
        expect(harness.server.sockets.size).toBe(1);
        expect(harness.gateway.references).toHaveLength(CLIENTS + 1);
        harness.forgetAttackers();
        // The witness is connected, and the stack may still reference a socket or two.
        await until('the end of all references', async () => (await reachableSockets(harness.gateway)) <= 3);
      },
      ['question', 'news'],
    ),
  );
});
