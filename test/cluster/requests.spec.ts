import { jest } from '@jest/globals';
import { Bus } from '../support/bus.js';
import { startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { stopClock } from '../support/clock.js';
import { until } from '../support/wait.js';

/** How long a node waits for the others, in milliseconds. If the broker stalls, too, it waits a second more. */
const TIMEOUT = 200;
const EXPIRED = TIMEOUT + 1_000;

async function startCluster(size: number) {
  const bus = new Bus();
  const nodes: BareApp[] = [];
  while (nodes.length < size) {
    const node = await startBareApp({ adapter: bus.adapter });
    node.server.on('location', (answer: (name: string) => void) => answer('there'));
    Object.assign(node.server.adapter, { requestsTimeout: TIMEOUT });
    nodes.push(node);
  }
  return { bus, nodes };
}

/** Returns a function that resolves when a node has received this many messages of others. */
function countReceived(bus: Bus, node: number): (count: number) => Promise<void> {
  const member = bus.of('/ws')[node]!;
  const receive = member.receive.bind(member);
  let received = 0;
  member.receive = (...message) => {
    received++;
    receive(...message);
  };
  return (count) => until(`${count} messages of other nodes`, () => received >= count);
}

describe('a request to other nodes', () => {
  beforeEach(() => {
    // the network stays real
    stopClock();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('ends in time when the broker does not even report the number of nodes', async () => {
    const { bus, nodes } = await startCluster(2);
    const [{ server, join }] = nodes as [BareApp];
    const [{ socket }] = (await join(1)) as [Pair];
    bus.stall();
    const requests = Promise.allSettled([server.fetchSockets(), server.serverSideEmitWithAck('location')]);
    await jest.advanceTimersByTimeAsync(EXPIRED);
    const [fetched, requested] = await requests;
    expect(fetched).toMatchObject({ status: 'rejected', reason: { responses: [{ id: socket.id }] } });
    expect(requested).toMatchObject({
      status: 'rejected',
      reason: {
        name: 'TimeoutError',
        code: 'ERR_ENVELOPE_TIMEOUT',
        message: 'operation has timed out',
        responses: [],
      },
    });
    bus.resume();
    expect(await server.serverSideEmitWithAck('location')).toEqual(['there']);
  });

  it('calls back once, however late the answers arrive', async () => {
    const { bus, nodes } = await startCluster(2);
    const [{ server }] = nodes as [BareApp];
    const answers: unknown[] = [];
    bus.stall();
    server.serverSideEmit('location', (error: Error | null, values: unknown[]) => {
      answers.push([error?.message, values]);
    });
    await jest.advanceTimersByTimeAsync(EXPIRED);
    expect(answers).toHaveLength(1);
    bus.resume();
    await server.serverSideEmitWithAck('location');
    expect(answers).toEqual([['operation has timed out', []]]);
  });

  it('without all answers rejects with the sockets of the nodes that answered', async () => {
    const { bus, nodes } = await startCluster(3);
    const [here, there] = nodes as [BareApp, BareApp];
    const pairs = [...(await here.join(1)), ...(await there.join(1)), ...(await nodes[2]!.join(1))];
    const [localId, remoteId] = pairs.map(({ socket }) => socket.id);
    await there.server.sockets.get(remoteId!)!.join('red');
    bus.of('/ws')[2]!.receive = () => undefined;
    const received = countReceived(bus, 0);
    const fetched = here.server
      .timeout(TIMEOUT)
      .fetchSockets()
      .catch((thrown: { responses: { id: string; rooms: Set<string>; emit: unknown }[] }) => thrown);
    await received(1);
    await jest.advanceTimersByTimeAsync(EXPIRED);
    const error = await fetched;
    const { responses } = error as Exclude<typeof error, unknown[]>;
    expect(responses.map(({ id }) => id)).toEqual([localId, remoteId]);
    expect(responses[1]!.rooms).toEqual(new Set([remoteId, 'red']));
    expect(responses[1]!.emit).toBeInstanceOf(Function);
  });

  it('is independent of other requests at the same time', async () => {
    const { bus, nodes } = await startCluster(3);
    const [here, there] = nodes as [BareApp, BareApp];
    const [[red], [blue]] = [await here.join(1), await there.join(1)] as [[Pair], [Pair]];
    await red.socket.join('red');
    await blue.socket.join('blue');
    bus.of('/ws')[2]!.receive = () => undefined;
    const ids = async (room: string): Promise<string[]> => {
      const found = here.server.in(room).timeout(TIMEOUT).fetchSockets();
      const error = (await found.catch((thrown: unknown) => thrown)) as { responses: { id: string }[] };
      return error.responses.map(({ id }) => id);
    };
    const received = countReceived(bus, 0);
    const all = Promise.all([ids('red'), ids('blue'), ids('green')]);
    await received(3);
    await jest.advanceTimersByTimeAsync(EXPIRED);
    expect(await all).toEqual([[red.socket.id], [blue.socket.id], []]);
  });
});
