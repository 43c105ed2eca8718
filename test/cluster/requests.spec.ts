import { Bus } from '../support/bus.js';
import { startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';

/** How long a node waits for the others, in milliseconds. */
const TIMEOUT = 200;

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

async function measure(request: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await request();
  return performance.now() - start;
}

describe('a request to other nodes', () => {
  it('ends in time when the broker does not even report the number of nodes', async () => {
    const { bus, nodes } = await startCluster(2);
    const [{ server, join }] = nodes as [BareApp];
    const [{ socket }] = (await join(1)) as [Pair];
    bus.stall();
    const fetched = async (): Promise<void> =>
      expect(server.fetchSockets()).rejects.toMatchObject({ responses: [{ id: socket.id }] });
    const requested = async (): Promise<void> =>
      expect(server.serverSideEmitWithAck('location')).rejects.toMatchObject({
        name: 'TimeoutError',
        code: 'ERR_ENVELOPE_TIMEOUT',
        message: 'operation has timed out',
        responses: [],
      });
    for (const request of [fetched, requested]) expect(await measure(request)).toBeLessThan(TIMEOUT + 1_500);
    bus.resume();
    expect(await server.serverSideEmitWithAck('location')).toEqual(['there']);
  });

  it('calls back once, however late the answers arrive', async () => {
    const { bus, nodes } = await startCluster(2);
    const [{ server }] = nodes as [BareApp];
    const answers: unknown[] = [];
    bus.stall();
    await new Promise<void>((resolve) => {
      server.serverSideEmit('location', (error: Error | null, values: unknown[]) => {
        answers.push([error?.message, values]);
        resolve();
      });
    });
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
    const error = await here.server
      .timeout(TIMEOUT)
      .fetchSockets()
      .catch((thrown: { responses: { id: string; rooms: Set<string>; emit: unknown }[] }) => thrown);
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
    expect(await Promise.all([ids('red'), ids('blue'), ids('green')])).toEqual([
      [red.socket.id],
      [blue.socket.id],
      [],
    ]);
  });
});
