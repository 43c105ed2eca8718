import { setImmediate as turn } from 'node:timers/promises';
import { Random } from '../support/random.js';
import type { Node } from './cases.js';
import { RandomEnvelopeClient, type RandomClient } from './random-clients.js';

/** The figures of a run. */
export interface Outcome {
  messages: number;
  cuts: number;
  recovered: number;
}

/**
 * Cuts clients at random times while two nodes send to all clients, to a room and to one client, and reconnects them to
 * any node. Each client must receive each of its messages once, and those of one node in order.
 *
 * @param createClient called for each client; some of them join a room
 * @throws if a client gets a new session, or receives other messages than it should
 */
export async function interleave(
  nodes: readonly Node[],
  seed: number,
  rounds: number,
  createClient: (index: number) => RandomClient = () => new RandomEnvelopeClient(),
): Promise<Outcome> {
  const random = new Random(seed);
  const outcome = { messages: 0, cuts: 0, recovered: 0 };
  const clients: { client: RandomClient; id: string; expected: string[]; reconnected: Promise<void> }[] = [];
  for (let i = 0; i < 4; i++) {
    const node = random.pick(nodes);
    const client = createClient(i);
    await client.connect(node.app);
    const { id } = client;
    if (i % 2 === 0) await node.server.sockets.get(id)!.join('even');
    clients.push({ client, id, expected: [], reconnected: Promise.resolve() });
  }
  // the joins are in the log before the first message, and each client has an offset
  for (const node of nodes) node.server.emit('begin');
  for (const { client } of clients)
    await client.until('the begin', () => count(client, 'begin') >= nodes.length);
  for (let round = 0; round < rounds; round++) {
    const node = random.below(nodes.length);
    const { server } = nodes[node]!;
    const name = `${node}:${outcome.messages++}`;
    const kind = random.below(3);
    if (kind === 0) {
      server.emit(name);
      for (const { expected } of clients) expected.push(name);
    } else if (kind === 1) {
      server.to('even').emit(name);
      clients.forEach(({ expected }, index) => index % 2 === 0 && expected.push(name));
    } else {
      const chosen = random.pick(clients);
      server.to(chosen.id).emit(name);
      chosen.expected.push(name);
    }
    if (random.chance(0.3)) await turn();
    if (!random.chance(0.05)) continue;
    const chosen = random.pick(clients);
    await chosen.reconnected;
    outcome.cuts++;
    const { id } = chosen;
    // Half of the clients behave like a phone that changes its network: the server does not notice.
    if (random.chance(0.5)) chosen.client.fallSilent();
    else await chosen.client.cut();
    // The others continue to send.
    const to = random.pick(nodes);
    chosen.reconnected = chosen.client.connect(to.app).then(() => {
      if (!chosen.client.isRecovered || chosen.client.id !== id)
        throw new Error(`seed ${seed}: after ${name} a client got a new session`);
      outcome.recovered++;
    });
    chosen.reconnected.catch(() => undefined);
  }
  for (const { reconnected } of clients) await reconnected;
  for (const node of nodes) node.server.emit('end');
  for (const { client, expected } of clients) {
    const received = (): string[] => client.events().filter((event) => event.includes(':'));
    await client.until(
      'all messages',
      () => received().length >= expected.length && count(client, 'end') >= nodes.length,
    );
    nodes.forEach((_, node) => {
      const fromNode = (names: readonly string[]): string[] =>
        names.filter((name) => name.startsWith(`${node}:`));
      if (fromNode(received()).join() !== fromNode(expected).join())
        throw new Error(
          `seed ${seed}: a client received ${difference(fromNode(received()), fromNode(expected))}`,
        );
    });
  }
  return outcome;
}

const count = (client: RandomClient, name: string): number =>
  client.events().filter((event) => event === name).length;

/** Shows both lists around the first difference. */
function difference(received: readonly string[], expected: readonly string[]): string {
  const first = expected.findIndex((name, index) => received[index] !== name);
  const from = Math.max(0, (first === -1 ? expected.length : first) - 2);
  const excerpt = (names: readonly string[]): string => names.slice(from, from + 8).join(' ');
  return `${received.length} of ${expected.length}: … ${excerpt(received)} …, and should have … ${excerpt(expected)} …`;
}
