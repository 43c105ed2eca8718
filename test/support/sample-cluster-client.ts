import { TestClient, type ConnectOptions, type Received } from './client.js';
import { until } from './wait.js';

/** The members on one worker of sample/03-cluster. */
interface WorkerMembers {
  worker: string;
  names: string[];
}

/** The roster that a worker sends to its clients. */
interface Roster {
  state: string;
  nodes: number;
  workers: WorkerMembers[];
}

/** The number of connections after which two workers, or a certain one, must have accepted one. */
const MAX_ATTEMPTS = 20;

/** Milliseconds until {@link RoomMember.reconnect} tries again: Node loses connections that it was handing to a killed worker. */
const RECONNECT_TIMEOUT = 1_000;

const members: RoomMember[] = [];
/** Makes names unique: an old roster must not match the current one. */
let guests = 0;
/** Makes the texts of messages unique. */
let rounds = 0;

afterEach(() => {
  for (const { client } of members.splice(0)) client.ws.terminate();
});

/** A bare client in the room of sample/03-cluster. It is terminated after the test. */
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

  static async join(url: string, name: string, options: ConnectOptions = {}): Promise<RoomMember> {
    const client = new TestClient(url, options);
    await client.opened();
    client.send({ event: 'join', data: { name }, id: 0 });
    const response = (): Received | undefined => client.frames.find(({ ack }) => ack === 0);
    await client.until('the response to join', () => (response() ?? client.closed) !== undefined);
    if (response() === undefined) throw new Error(`closed with ${client.closed!.code}`);
    return new RoomMember(client, name, response()!.data.worker as string, url);
  }

  /** Reconnects like the page, but without a delay, until a worker accepts it. Adds failed attempts to `failures`. */
  async reconnect(failures: string[] = [], handshakeTimeout = RECONNECT_TIMEOUT): Promise<RoomMember> {
    let member: RoomMember | undefined;
    const join = async (): Promise<boolean> => {
      member = await RoomMember.join(this.url, this.name, { handshakeTimeout }).catch(
        (error: Error) => void failures.push(error.message),
      );
      return member !== undefined;
    };
    await until(`${this.name} to reconnect`, join);
    return member!;
  }

  get pid(): number {
    return Number.parseInt(this.worker, 10);
  }

  sendMessage(text: string): void {
    this.client.send({ event: 'message', data: { text } });
  }

  /** The received messages, in order. */
  get messages(): { name: string; worker: string; text: string }[] {
    return this.client.frames.filter(({ event }) => event === 'message').map(({ data }) => data);
  }

  /** The last roster that it received. */
  get roster(): Roster | undefined {
    // in the response to `join`, and then in each change
    const rosters = this.client.frames.filter(({ event }) => event === 'join' || event === 'roster');
    const { event, data } = rosters.at(-1) ?? {};
    return event === 'join' ? data.roster : data;
  }

  /** Resolves when its roster has exactly these members on their workers. */
  async waitForRoster(present: readonly RoomMember[]): Promise<void> {
    const workers = groupByWorker(present);
    const isComplete = (): boolean => JSON.stringify(this.roster?.workers) === JSON.stringify(workers);
    await this.client
      .until('the roster', isComplete)
      .catch(() => expect(this.roster?.workers).toEqual(workers));
  }
}

/** Joins members until they are on two workers: no load balancer promises which worker is next. */
export async function joinTwoWorkers(url: string): Promise<RoomMember[]> {
  const joined: RoomMember[] = [];
  while (new Set(joined.map(({ worker }) => worker)).size < 2) {
    if (joined.length === MAX_ATTEMPTS)
      throw new Error(`${MAX_ATTEMPTS} connections, all of them to one worker`);
    joined.push(await RoomMember.join(url, `guest ${++guests}`));
  }
  return joined;
}

/** Joins a member on a certain worker. */
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

/** Expects that each message of these members reaches all of them once, and no other message twice. */
export async function expectOneRoom(present: readonly RoomMember[]): Promise<void> {
  const round = ++rounds;
  const expected = present.map(({ name, worker }) => ({ name, worker, text: `${name} was here, ${round}` }));
  // A member that has changed to a slower worker receives what the worker had not read yet: messages of earlier rounds.
  const newMessages = ({ messages }: RoomMember) =>
    messages.filter(({ text }) => text.endsWith(`, ${round}`));
  for (const member of present) member.sendMessage(`${member.name} was here, ${round}`);
  await Promise.all(
    present.map((member) =>
      member.client.until('all messages', () => newMessages(member).length >= expected.length),
    ),
  );
  // a second copy would follow the first
  await Promise.all(present.map(({ client }) => client.settled()));
  for (const member of present) {
    expect(newMessages(member)).toHaveLength(expected.length);
    expect(newMessages(member)).toEqual(expect.arrayContaining(expected));
    const texts = member.messages.map(({ text }) => text);
    expect(texts).toEqual([...new Set(texts)]);
  }
}
