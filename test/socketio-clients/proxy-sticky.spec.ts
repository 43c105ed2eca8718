import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { describeWithHaproxy, Haproxy } from '../support/haproxy.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { describeServers, startIoApp, type IoApp, type ServerName } from './fixture.js';
import { TRANSPORTS, type IoClient, type TransportName } from './io-client.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';

type Balancer = (nodes: readonly IoApp[]) => Promise<{ port: number }>;

/** What a node answers to a request of a session that another node has opened. */
const UNKNOWN = { code: 1, message: 'Session ID unknown' };
/** So many that they do not all meet one node. */
const CLIENTS = 24;

const CONFIGURATIONS = {
  nginx: readFileSync(join(process.cwd(), 'docs/deploy/socket.io-nginx.conf'), 'utf8'),
  haproxy: readFileSync(join(process.cwd(), 'docs/deploy/socket.io-haproxy.cfg'), 'utf8'),
};

/** Puts the ports of the test into a published configuration, and changes nothing else. */
function withPorts(configuration: string, nodes: readonly IoApp[], listen: [string, string]): string {
  const changes = [
    listen,
    ...nodes.map((node, index) => [`10.0.0.${index + 1}:3000`, `127.0.0.1:${node.port}`]),
  ];
  return changes.reduce((text, [published, ours]) => {
    expect(text.split(published!)).toHaveLength(2);
    return text.replace(published!, ours!);
  }, configuration);
}

const nginx: Balancer = (nodes) =>
  Nginx.startWith((port) =>
    withPorts(CONFIGURATIONS.nginx, nodes, ['listen 80;', `listen 127.0.0.1:${port};`]),
  );
const haproxyWith =
  (configuration: string): Balancer =>
  (nodes) =>
    Haproxy.startWith((port) => withPorts(configuration, nodes, ['bind :80', `bind 127.0.0.1:${port}`]));

/** The published configuration without its lines for sticky sessions. */
const CHANGING = CONFIGURATIONS.haproxy.replace(/^ *stick.*\n/gm, '').replace('leastconn', 'roundrobin');

const BALANCERS: { name: string; describe: jest.Describe; sticky: Balancer; changing: Balancer }[] = [
  {
    name: 'nginx',
    describe: describeWithNginx,
    sticky: nginx,
    changing: (nodes) => Nginx.start(nodes.map(({ port }) => port)),
  },
  {
    name: 'HAProxy',
    describe: describeWithHaproxy,
    sticky: haproxyWith(CONFIGURATIONS.haproxy),
    changing: haproxyWith(CHANGING),
  },
];

describe.each(BALANCERS)('behind $name', ({ describe: describeWith, sticky, changing }) => {
  describeWith('with two nodes', () => {
    describeServers('of', (server) => {
      let nodes: IoApp[];
      const agents: Agent[] = [];
      beforeEach(async () => {
        nodes = [await startNode(server), await startNode(server)];
      });
      afterEach(() => {
        for (const agent of agents.splice(0)) agent.destroy();
      });
      const counts = (): number[] => nodes.map((node) => node.nest.get(TalkGateway).connected.length);

      /** Connects clients from different addresses. */
      async function connectAll(
        port: number,
        transport: TransportName,
        count = CLIENTS,
      ): Promise<IoClient[]> {
        const clients = Array.from({ length: count }, (_, number) => {
          const agent = new Agent({ localAddress: `127.0.1.${number + 1}` });
          agents.push(agent);
          // the type is the one of browsers
          return nodes[0]!.open('/', { port, transport, agent: agent as unknown as string });
        });
        await Promise.all(clients.map((client) => client.connected()));
        return clients;
      }

      it.each(TRANSPORTS)('all clients connect over %s and stay on their node', async (transport) => {
        const { port } = await sticky(nodes);
        const clients = await connectAll(port, transport);
        expect(Math.min(...counts())).toBeGreaterThan(0);
        for (let round = 0; round < 5; round++)
          expect(await Promise.all(clients.map((client) => client.ask('echo', round)))).toEqual(
            clients.map(() => [round]),
          );
        const texts = clients.map((_, number) => `text ${number}`);
        await Promise.all(clients.map((client, number) => client.ask('tell and answer', texts[number])));
        const told = nodes.flatMap((node) => node.nest.get(TalkGateway).told);
        expect([told.length, new Set(told)]).toEqual([CLIENTS, new Set(texts)]);
        expect(counts()[0]! + counts()[1]!).toBe(CLIENTS);
        expect(clients.map(({ reason }) => reason)).toEqual(clients.map(() => undefined));
      });

      it('clients of a node that ends connect to the other', async () => {
        const { port } = await sticky(nodes);
        const agent = new Agent({ localAddress: '127.0.1.1' });
        agents.push(agent);
        const client = nodes[0]!.open('/', {
          port,
          transport: 'polling',
          agent: agent as unknown as string,
          reconnection: true,
          reconnectionDelay: 20,
          reconnectionDelayMax: 100,
        });
        await client.connected();
        const first = nodes.findIndex((node) => node.nest.get(TalkGateway).connected.length === 1);
        const { id } = client.socket;
        await nodes[first]!.nest.close();
        await client.until('the reconnect', () => client.socket.connected && client.socket.id !== id);
        expect(await client.ask('who')).toMatchObject([{ id: client.socket.id }]);
        expect(counts()).toEqual([1, 1]);
      });

      it('without sticky sessions polling fails with 400, and WebSockets do not', async () => {
        const { port } = await changing(nodes);
        const url = `http://127.0.0.1:${port}/socket.io/?EIO=4&transport=polling`;
        const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1)) as { sid: string };
        const poll = await fetch(`${url}&sid=${sid}`);
        expect([poll.status, await poll.json()]).toEqual([400, UNKNOWN]);
        const error = await nodes[0]!.open('/', { port, transport: 'polling' }).refused();
        // a POST and a GET run at the same time
        expect(error.message).toMatch(/^xhr (poll|post) error$/);
        expect(error.description).toBe(400);
        const client = nodes[0]!.open('/', { port, transport: 'websocket' });
        await client.connected();
        expect(await client.ask('echo', 1)).toEqual([1]);
      });
    });
  });
});

function startNode(server: ServerName): Promise<IoApp> {
  const metadata = { providers: [TalkGateway, ChatGateway] };
  return startIoApp(server, metadata, { reference: { cookie: true }, transport: { cookie: true } });
}
