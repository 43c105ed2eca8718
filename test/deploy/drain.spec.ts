import { describeWithRedis, RedisServer } from '../support/brokers/redis.js';
import { CADDY, PROXIES, ReverseProxy } from '../support/reverse-proxy.js';
import { requestUpgrade } from '../support/upgrade.js';
import { DeployClient, DeployedNode } from './deployment.js';
import { until } from '../support/wait.js';

const CLIENTS = 16;
/** Milliseconds between two messages of one node. */
const INTERVAL = 5;

/** Waits for all messages that the nodes have sent, and checks that each client received them once and in order. */
async function expectAll(clients: readonly DeployClient[], sent: Record<string, number>): Promise<void> {
  const last = (client: DeployClient): boolean =>
    Object.entries(sent).every(([name, count]) => client.numbers.get(name)?.at(-1) === count - 1);
  // the faults say more than a timeout
  await until('the last messages', () => clients.every(last), 30_000).catch(() => undefined);
  const faults = clients.flatMap((client) =>
    Object.entries(sent).flatMap(([name, count]) => client.faults(name, count)),
  );
  expect(faults).toEqual([]);
}

describeWithRedis('two nodes with recovery over Redis', () => {
  const redis = new RedisServer();
  let staying: DeployedNode;
  beforeAll(async () => {
    await redis.start();
    staying = await DeployedNode.start({ name: 'staying', redis: redis.url });
  });

  describe.each(PROXIES)('behind $name', (kind) => {
    kind.describe('with its published file', () => {
      let leaving: DeployedNode;
      beforeAll(async () => {
        leaving = await DeployedNode.start({ name: `leaving ${kind.name}`, redis: redis.url });
      });

      const start = (): Promise<ReverseProxy> => ReverseProxy.start(kind, [leaving.port, staying.port]);

      /** Connects clients through the proxy, while both nodes send. */
      async function connectAll(proxy: ReverseProxy): Promise<DeployClient[]> {
        await Promise.all([leaving.load(INTERVAL), staying.load(INTERVAL)]);
        const clients = await Promise.all(
          Array.from({ length: CLIENTS }, () => DeployClient.open(proxy.url())),
        );
        const names = [leaving.name, staying.name];
        await until('messages of both nodes', () =>
          clients.every(({ numbers }) => names.every((name) => numbers.has(name))),
        );
        return clients;
      }

      it('lose nothing when the proxy reloads under traffic', async () => {
        const proxy = await start();
        const clients = await connectAll(proxy);
        await proxy.reload();
        const late = await DeployClient.open(proxy.url());
        await until('a message to a client of the new configuration', () => late.numbers.size === 2);
        // Caddy closes all WebSockets, and they come back; the others keep them
        if (kind === CADDY)
          await until('all clients', () => clients.every(({ recoveries }) => recoveries.length === 1));
        const sent = { [leaving.name]: await leaving.stopLoad(), [staying.name]: await staying.stopLoad() };
        // The close frame of Caddy before 2.6.3 for the node is not masked, which breaks RFC 6455: the server takes such a client
        // for a new one, and tells it.
        const kept = clients.filter(({ recoveries }) => !recoveries.includes(false));
        await expectAll(kept, sent);
        if (kind !== CADDY) expect(clients.flatMap(({ codes }) => codes)).toEqual([]);
        for (const { codes, recoveries, missed } of clients)
          expect([codes, missed]).toEqual([
            recoveries.map(() => 1001),
            recoveries.map((recovered) => !recovered),
          ]);
      });

      it('lose nothing when one of them gets SIGTERM under load: its clients recover on the other', async () => {
        const proxy = await start();
        const clients = await connectAll(proxy);
        const works = async (): Promise<number> => (await leaving.works()) + (await staying.works());
        const [moved, before] = [await leaving.clients(), await works()];
        // the proxy spreads them by the number of their connections
        expect(moved).toBeGreaterThan(0);
        expect(moved).toBeLessThan(CLIENTS);
        const requests = clients.map((client) => client.socket.emitWithAck('work'));
        await until('the requests at work', async () => (await works()) === before + CLIENTS);
        const ended = leaving.end();

        // while these requests are at work, the node refuses new clients
        await until('a refusal', async () => {
          const { status } = await requestUpgrade(leaving.port, '/ws');
          return status !== 101;
        });
        const opening = Promise.all(Array.from({ length: CLIENTS }, () => DeployClient.open(proxy.url())));
        // Caddy passes the 503 on, and the client connects again; the others ask the other node
        if (kind !== CADDY) expect((await opening).flatMap(({ failures }) => failures)).toEqual([]);
        await Promise.all([leaving.finish(), staying.finish()]);
        await opening;

        // the handlers have ended, and their answers went out
        expect((await Promise.allSettled(requests)).map(({ status }) => status)).toEqual(
          requests.map(() => 'fulfilled'),
        );
        const sent = await ended;
        await until('all clients on the other node', async () => (await staying.clients()) === 2 * CLIENTS);
        await expectAll(clients, { [leaving.name]: sent, [staying.name]: await staying.stopLoad() });
        expect(clients.flatMap(({ codes }) => codes)).toEqual(Array.from({ length: moved }, () => 1001));
        expect(clients.flatMap(({ recoveries }) => recoveries)).toEqual(
          Array.from({ length: moved }, () => true),
        );
      });
    });
  });
});
