import { TestClient, type Received } from './client.js';
import { until } from './wait.js';

/** Who is on one worker of sample/03-cluster. */
interface WorkerMembers {
  worker: string;
  names: string[];
}

/** What a worker tells its clients of all of them. */
interface Roster {
  state: string;
  nodes: number;
  workers: WorkerMembers[];
}

/** How many connections go by before two workers, or one of a certain id, must have been among those that took them. */
const MAX_ATTEMPTS = 20;

/** Milliseconds for a worker to take a connection: Node loses those under way to one that is killed. */
const HANDSHAKE_TIMEOUT = 1_000;

const members: RoomMember[] = [];
/** No name twice: a roster of before must not be taken for that of now. */
let guests = 0;

afterEach(() => {
  for (const { client } of members.splice(0)) client.ws.terminate();
});

/** A bare client in the room of sample/03-cluster, ended after the test. */
export class RoomMember {
  private constructor(
    readonly client: TestClient,
    readonly name: string,
    /** `pid@host` */
    readonly worker: string,
    private readonly url: string,
  ) {
    members.push(this);
  }

  static async join(url: string, name: string): Promise<RoomMember> {
    // counts may be wrong until a worker that died has missed its heartbeats
    const client = new TestClient(url, { timeout: 10_000, handshakeTimeout: HANDSHAKE_TIMEOUT });
    await client.opened();
    client.send({ event: 'join', data: { name }, id: 0 });
    const answer = (): Received | undefined => client.frames.find(({ ack }) => ack === 0);
    await client.until('the answer to join', () => (answer() ?? client.closed) !== undefined);
    if (answer() === undefined) throw new Error(`closed with ${client.closed!.code}`);
    return new RoomMember(client, name, answer()!.data.worker as string, url);
  }

  /** As the page does, but at once: one try after another, until some worker takes it. Notes what became of the others. */
  async reconnect(failures: string[] = []): Promise<RoomMember> {
    let back: RoomMember | undefined;
    await until(`${this.name} is back`, async () => {
      back = await RoomMember.join(this.url, this.name).catch(
        (error: Error) => void failures.push(error.message),
      );
      return back !== undefined;
    });
    return back!;
  }

  get pid(): number {
    return Number.parseInt(this.worker, 10);
  }

  sendMessage(text: string): void {
    this.client.send({ event: 'message', data: { text } });
  }

  /** The messages that came, in order. */
  get messages(): { name: string; worker: string; text: string }[] {
    return this.client.frames.filter(({ event }) => event === 'message').map(({ data }) => data);
  }

  /** The roster as its worker told of it last. */
  get roster(): Roster | undefined {
    // the answer to `join` has it, and after that each change
    const told = this.client.frames.filter(({ event }) => event === 'join' || event === 'roster');
    const { event, data } = told.at(-1) ?? {};
    return event === 'join' ? data.roster : data;
  }

  /** Resolves when its worker's roster has these members where they are, and nobody else. */
  async waitForRoster(present: readonly RoomMember[]): Promise<void> {
    const workers = groupByWorker(present);
    const isSeen = (): boolean => JSON.stringify(this.roster?.workers) === JSON.stringify(workers);
    await this.client.until('the roster', isSeen).catch(() => expect(this.roster?.workers).toEqual(workers));
  }
}

/** Members, one after the other, until there are some on two workers: no balancer promises which comes next. */
export async function joinTwoWorkers(url: string): Promise<RoomMember[]> {
  const joined: RoomMember[] = [];
  while (new Set(joined.map(({ worker }) => worker)).size < 2) {
    if (joined.length === MAX_ATTEMPTS)
      throw new Error(`${MAX_ATTEMPTS} connections, all of them to one worker`);
    joined.push(await RoomMember.join(url, `guest ${++guests}`));
  }
  return joined;
}

/** A member on that very worker. */
export async function joinWorker(url: string, name: string, pid: number): Promise<RoomMember> {
  for (let tries = 0; tries < MAX_ATTEMPTS; tries++) {
    const member = await RoomMember.join(url, name);
    if (member.pid === pid) return member;
    member.client.ws.terminate();
  }
  throw new Error(`${MAX_ATTEMPTS} connections, none of them to worker ${pid}`);
}

function groupByWorker(present: readonly RoomMember[]): WorkerMembers[] {
  const workers = [...new Set(present.map(({ worker }) => worker))].sort((a, b) => a.localeCompare(b));
  return workers.map((worker) => {
    const names = present.filter((member) => member.worker === worker).map(({ name }) => name);
    return { worker, names: names.sort() };
  });
}

/** Each of them says something; all hear all of it, once. */
export async function expectOneRoom(present: readonly RoomMember[]): Promise<void> {
  const before = present.map(({ messages }) => messages.length);
  const expected = present.map(({ name, worker }) => ({ name, worker, text: `${name} was here` }));
  for (const member of present) member.sendMessage(`${member.name} was here`);
  await Promise.all(
    present.map(({ client }, index) =>
      client.until('all messages', () => news(index).length >= expected.length),
    ),
  );
  // a second copy would be on its way behind the first
  await Promise.all(present.map(({ client }) => client.settled()));
  for (const index of present.keys()) {
    expect(news(index)).toHaveLength(expected.length);
    expect(news(index)).toEqual(expect.arrayContaining(expected));
  }

  function news(index: number): RoomMember['messages'] {
    return present[index]!.messages.slice(before[index]);
  }
}
