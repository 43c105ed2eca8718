/** Checked by `tsc`, never run: `reliable` with the type maps of the server. */
import { connect } from '../../lib/client/index.js';
import { indexedDbOutbox } from '../../lib/client/indexed-db.js';
import { reliable, storageOutbox, type Outbox, type Reliable } from '../../lib/client/reliable.js';
import { EnvelopeAdapter } from '../../lib/index.js';
import { memoryOnce, redisOnce, type OnceStore } from '../../lib/once/index.js';
import { Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';

interface ClientToServer {
  say: (room: string, text: string) => void;
  leave: () => void;
  sum: (numbers: number[], answer: (sum: number) => void) => void;
  note: (text: string, answer?: (count: number) => void) => void;
}

export async function typed(): Promise<void> {
  const send: Reliable<ClientToServer> = reliable(connect<Record<string, never>, ClientToServer>('/chat'), {
    outbox: storageOutbox('chat'),
    onOutboxError: ({ message }) => void message.length,
    onUndelivered: ({ event, args }, error) => void [event.length, args.length, error.message],
  });
  const nothing: void = await send.emit('say', 'red', 'hi');
  await send.emit('leave');
  await send.emit('sum', [1]);
  await send.emit('note', 'a');
  const sum: number = await send.emitWithAck('sum', [1, 2]);
  const count: number = await send.emitWithAck('note', 'a');
  // @ts-expect-error -- no event of the map
  void send.emit('shout', 'hi');
  // @ts-expect-error -- another payload
  void send.emit('say', 1);
  // @ts-expect-error -- nobody answers it
  void send.emitWithAck('leave');
  // @ts-expect-error -- only the client knows how many wait
  send.pending = 0;
  const untyped = reliable(connect('/chat'));
  void [nothing, sum, count, await untyped.emitWithAck('anything', 1, 'two'), untyped.emit('anything')];
}

export const asynchronous: Outbox = { load: async () => [], save: async () => undefined };
export const inIndexedDb: Outbox = indexedDbOutbox('chat');
export const adopting: Outbox = {
  load: (add) => add([{ key: 'k', event: 'e', args: [] }]) as undefined,
  save: ([first]) => first?.key,
  close: () => undefined,
};
// @ts-expect-error -- its name is missing
export const nameless: Outbox = indexedDbOutbox();
// @ts-expect-error -- load is missing
export const incomplete: Outbox = { save: () => undefined };

export const stores: OnceStore[] = [
  memoryOnce({ maxKeys: 1 }),
  redisOnce(new Redis()),
  redisOnce(createClient()),
];
// @ts-expect-error -- its sendCommand takes other arguments
export const cluster: OnceStore = redisOnce(createCluster({ rootNodes: [] }));
export const adapter = (app: ConstructorParameters<typeof EnvelopeAdapter>[0]): EnvelopeAdapter =>
  new EnvelopeAdapter(app, { onceStore: stores[0]! });
