import { setImmediate as turn } from 'node:timers/promises';
import { Random } from '../support/random.js';
import { until } from '../support/wait.js';
import type { HistoryNode } from './gateway.js';
import { RoomClient } from './room-client.js';

const ROOM = 'chat:1';

/** The figures of a run. */
export interface Outcome {
  messages: number;
  joins: number;
  cuts: number;
  replayed: number;
}

/** A client of the model. */
interface Member {
  readonly client: RoomClient;
  readonly number: number;
  /** Its cuts and joins, one after the other. */
  steps: Promise<void>;
  /** How many messages each node had sent when it entered the room for the first time. */
  from: readonly number[] | undefined;
}

/**
 * All nodes send to one room without a pause, while clients enter it, lose their connections at random times, and come back to
 * any node. Each client must receive each message since it entered once, and those of one node in order.
 *
 * @param settled called now and then, so that the store does not fall behind
 * @throws if a client receives other messages than it should
 */
export async function storm(
  nodes: readonly HistoryNode[],
  seed: number,
  rounds: number,
  settled: () => Promise<void> = async () => undefined,
): Promise<Outcome> {
  const random = new Random(seed);
  const outcome: Outcome = { messages: 0, joins: 0, cuts: 0, replayed: 0 };
  const sent = nodes.map(() => 0);
  const members: Member[] = [];

  const enter = async (member: Member, rewind: number): Promise<void> => {
    const { client } = member;
    outcome.joins++;
    const isFirst = client.position(ROOM) === undefined;
    const { complete, replayed } = await client.enter(ROOM, rewind);
    outcome.replayed += replayed;
    if (!complete) throw new Error(`seed ${seed}: client ${member.number} misses messages`);
    if (isFirst) member.from ??= [...sent];
  };
  const add = (): void => {
    const client = new RoomClient();
    const member: Member = { client, number: members.length, steps: Promise.resolve(), from: undefined };
    members.push(member);
    const { app } = random.pick(nodes);
    const rewind = random.pick([0, 1, 5, 50]);
    member.steps = client.connect(app).then(() => enter(member, rewind));
    member.steps.catch(() => undefined);
  };
  const cut = (member: Member): void => {
    outcome.cuts++;
    const { app } = random.pick(nodes);
    const isEarly = random.chance(0.3);
    const away = random.below(5);
    const before = member.steps;
    member.steps = (async () => {
      await before;
      await member.client.cut();
      for (let i = 0; i < away; i++) await turn();
      await member.client.connect(app);
      if (isEarly) {
        // cut in the middle of the replay
        member.client.startToEnter(ROOM, 5);
        await turn();
        await member.client.cut();
        await member.client.connect(app);
      }
      await enter(member, 5);
    })();
    member.steps.catch(() => undefined);
  };

  for (let i = 0; i < 3; i++) add();
  for (let round = 0; round < rounds; round++) {
    const index = random.below(nodes.length);
    nodes[index]!.server.to(ROOM).emit('said', `${index}:${++sent[index]!}`);
    outcome.messages++;
    if (random.chance(0.3)) await turn();
    if (round % 20 === 0) await settled();
    if (random.chance(0.03)) add();
    if (random.chance(0.06)) cut(random.pick(members));
  }
  for (const { steps } of members) await steps;
  nodes.forEach(({ server }, index) => server.to(ROOM).emit('said', `${index}:${++sent[index]!}`));
  for (const { client, number, from } of members) {
    const received = (): string[] => client.payloads().map(String);
    const last = sent.map((count, index) => `${index}:${count}`);
    await until(`seed ${seed}: the last messages at client ${number}`, () =>
      last.every((name) => received().includes(name)),
    );
    check(`seed ${seed}: client ${number}`, received(), from!, sent);
    client.client.ws.terminate();
  }
  return outcome;
}

/** Checks that the messages of each node are consecutive, and begin at or before the place where the client entered. */
function check(
  who: string,
  received: readonly string[],
  from: readonly number[],
  sent: readonly number[],
): void {
  sent.forEach((count, index) => {
    const numbers = received
      .filter((name) => name.startsWith(`${index}:`))
      .map((name) => Number(name.split(':')[1]));
    const first = numbers[0]!;
    const expected = Array.from({ length: count - first + 1 }, (_, i) => first + i);
    if (JSON.stringify(numbers) !== JSON.stringify(expected))
      throw new Error(`${who} received of node ${index}: ${String(numbers)}, and not ${first} to ${count}`);
    if (first > from[index]! + 1)
      throw new Error(`${who} received of node ${index} from ${first} on, and entered at ${from[index]!}`);
  });
}
