import { Bus } from '../support/bus.js';
import { startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';

/** Milliseconds that a node waits for the others here. */
const PATIENCE = 200;

async function startCluster(size: number) {
  const bus = new Bus();
  const nodes: BareApp[] = [];
  while (nodes.length < size) {
    const node = await startBareApp({ adapter: bus.adapter });
    node.server.on('who', (answer: (name: string) => void) => answer('there'));
    Object.assign(node.server.adapter, { requestsTimeout: PATIENCE });
    nodes.push(node);
  }
  return { bus, nodes };
}

async function took(request: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await request();
  return performance.now() - start;
}

describe('a request to other nodes', () => {
  it('ends in time where the broker does not even say how many nodes there are', async () => {
    const { bus, nodes } = await startCluster(2);
    const [{ server, join }] = nodes as [BareApp];
    const [{ socket }] = (await join(1)) as [Pair];
    bus.stall();
    const fetched = async (): Promise<void> =>
      expect(server.fetchSockets()).rejects.toMatchObject({ responses: [{ id: socket.id }] });
    const asked = async (): Promise<void> =>
      expect(server.serverSideEmitWithAck('who')).rejects.toMatchObject({
        message: 'operation has timed out',
        responses: [],
      });
    for (const request of [fetched, asked]) expect(await took(request)).toBeLessThan(PATIENCE + 1_500);
    bus.resume();
    expect(await server.serverSideEmitWithAck('who')).toEqual(['there']);
  });

  it('calls back once, however late the answers come', async () => {
    const { bus, nodes } = await startCluster(2);
    const [{ server }] = nodes as [BareApp];
    const answers: unknown[] = [];
    bus.stall();
    await new Promise<void>((resolve) => {
      server.serverSideEmit('who', (error: Error | null, values: unknown[]) => {
        answers.push([error?.message, values]);
        resolve();
      });
    });
    bus.resume();
    await server.serverSideEmitWithAck('who');
    expect(answers).toEqual([['operation has timed out', []]]);
  });

  it('that not all nodes answer has the sockets of those that did', async () => {
    const { bus, nodes } = await startCluster(3);
    const [here, there] = nodes as [BareApp, BareApp];
    const pairs = [...(await here.join(1)), ...(await there.join(1)), ...(await nodes[2]!.join(1))];
    const [ours, theirs] = pairs.map(({ socket }) => socket.id);
    await there.server.sockets.get(theirs!)!.join('red');
    bus.of('/ws')[2]!.receive = () => undefined;
    const error = await here.server
      .timeout(PATIENCE)
      .fetchSockets()
      .catch((thrown: { responses: { id: string; rooms: Set<string>; emit: unknown }[] }) => thrown);
    const { responses } = error as Exclude<typeof error, unknown[]>;
    expect(responses.map(({ id }) => id)).toEqual([ours, theirs]);
    expect(responses[1]!.rooms).toEqual(new Set([theirs, 'red']));
    expect(responses[1]!.emit).toBeInstanceOf(Function);
  });

  it('shares nothing with another that is under way', async () => {
    const { bus, nodes } = await startCluster(3);
    const [here, there] = nodes as [BareApp, BareApp];
    const [[red], [blue]] = [await here.join(1), await there.join(1)] as [[Pair], [Pair]];
    await red.socket.join('red');
    await blue.socket.join('blue');
    bus.of('/ws')[2]!.receive = () => undefined;
    const ids = async (room: string): Promise<string[]> => {
      const found = here.server.in(room).timeout(PATIENCE).fetchSockets();
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
