import { setImmediate as turn } from 'node:timers/promises';
import { Random } from '../support/random.js';
import type { Node } from './cases.js';
import { Returning } from './recovery-client.js';

/** What a run came to, for the figures. */
export interface Outcome {
  messages: number;
  cuts: number;
  recovered: number;
}

/**
 * Clients that lose their line again and again, in the middle of what two nodes send to everybody, to a room and to one
 * client, and come back to any node. Each must have had each message that concerned it once, those of one node in order.
 *
 * @throws where a client begins anew, or has not what it should have
 */
export async function interleave(nodes: readonly Node[], seed: number, rounds: number): Promise<Outcome> {
  const random = new Random(seed);
  const outcome = { messages: 0, cuts: 0, recovered: 0 };
  const clients: { client: Returning; id: string; expected: string[]; back: Promise<void> }[] = [];
  for (let i = 0; i < 4; i++) {
    const at = random.pick(nodes);
    const client = await new Returning().connect(at.app);
    if (i % 2 === 0) await at.socketOf(client).join('even');
    clients.push({ client, id: client.hello.id, expected: [], back: Promise.resolve() });
  }
  // joins have their place before the first message
  for (const { client } of clients) await client.settled();
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
      const one = random.pick(clients);
      server.to(one.id).emit(name);
      one.expected.push(name);
    }
    if (random.chance(0.3)) await turn();
    if (!random.chance(0.05)) continue;
    const one = random.pick(clients);
    await one.back;
    outcome.cuts++;
    const { id } = one;
    // half of them as a phone does that changes its network: the server does not know
    if (random.chance(0.5)) {
      one.client.client.ws.pause();
      one.client.collect();
    } else {
      await one.client.cut();
    }
    // while the others send on
    const to = random.pick(nodes);
    one.back = one.client.connect(to.app).then(() => {
      if (!one.client.hello.recovered || one.client.hello.id !== id)
        throw new Error(`seed ${seed}: after ${name} a client began anew`);
      outcome.recovered++;
    });
    one.back.catch(() => undefined);
  }
  for (const { back } of clients) await back;
  for (const node of nodes) node.server.emit('end');
  for (const { client, expected } of clients) {
    const had = (): string[] => client.collect().filter((event) => event !== 'end');
    await client.client.until(
      'all messages',
      () => had().length >= expected.length && ends(client) >= nodes.length,
    );
    nodes.forEach((_, node) => {
      const of = (names: readonly string[]): string[] => names.filter((name) => name.startsWith(`${node}:`));
      if (of(had()).join() !== of(expected).join())
        throw new Error(`seed ${seed}: a client had ${difference(of(had()), of(expected))}`);
    });
  }
  return outcome;
}

const ends = (client: Returning): number => client.events.filter((event) => event === 'end').length;

/** Around the first place where they differ. */
function difference(had: readonly string[], expected: readonly string[]): string {
  const first = expected.findIndex((name, index) => had[index] !== name);
  const from = Math.max(0, (first === -1 ? expected.length : first) - 2);
  const show = (names: readonly string[]): string => names.slice(from, from + 8).join(' ');
  return `${had.length} of ${expected.length}: … ${show(had)} …, and should have … ${show(expected)} …`;
}
