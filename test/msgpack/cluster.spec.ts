import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { messagePack } from '../../lib/msgpack/index.js';
import { classic, sharded, streams } from '../cluster/backends.js';
import { startSharedApp, type TestApp } from '../support/app.js';
import type { Link } from '../support/cluster/backend.js';
import { MSGPACK, PackedClient } from './client.js';

@WebSocketGateway({ path: '/packed' })
class ClusterGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('enter')
  async enter(@ConnectedSocket() client: EnvelopeSocket): Promise<void> {
    await client.join('room');
  }
  @SubscribeMessage('say')
  say(@MessageBody() data: unknown): void {
    this.server.to('room').emit('said', data);
  }
}

const authOf = (session: string, offset: string | undefined): string =>
  `envelope.auth.${Buffer.from(JSON.stringify({ session, offset })).toString('base64url')}`;

describe.each([
  { backend: classic('redis'), recovers: false },
  { backend: sharded('ioredis'), recovers: false },
  { backend: streams('ioredis'), recovers: true },
])('bytes in a cluster over $backend.name', ({ backend, recovers }) => {
  backend.describe('with a real broker', () => {
    const broker = backend.broker!();
    const clients: PackedClient[] = [];
    const links: Link[] = [];
    let nodes: TestApp[];

    beforeAll(() => broker.start());
    beforeEach(async () => {
      nodes = [];
      for (let node = 0; node < 2; node++) {
        const link = await backend.link!(broker.url);
        const adapter = { adapter: link.adapter, encodings: [messagePack()], recovery: recovers };
        nodes.push(await startSharedApp({ providers: [ClusterGateway] }, { adapter }));
        links.push(link);
      }
    });
    afterEach(async () => {
      for (const { ws } of clients.splice(0)) ws.terminate();
      // at the same time: a closed adapter still answers the other node
      await Promise.all(nodes.map((node) => node.close()));
      await Promise.all(links.splice(0).map((link) => link.close()));
    });

    const open = async (node: number, protocols?: string[]): Promise<PackedClient> => {
      const client = new PackedClient(nodes[node]!.url('/packed'), protocols);
      clients.push(client);
      await client.next('$session');
      return client;
    };
    /** Resolves when the client has received a message from the other node: both know each other then. */
    const linked = async (from: PackedClient, to: PackedClient): Promise<void> => {
      for (let attempt = 0; ; attempt++) {
        from.send({ event: 'say', data: attempt });
        const arrived = await to.take('a message', ({ event }) => event === 'said').catch(() => undefined);
        if (arrived !== undefined) return;
      }
    };

    it('arrive on the other node as bytes, and as base64 text for JSON clients', async () => {
      const sender = await open(0);
      const packed = await open(1);
      const json = await open(1, ['envelope.v1']);
      for (const client of [packed, json]) {
        if (client === json) client.ws.send('{"event":"enter","id":"e"}');
        else client.send({ event: 'enter', id: 'e' });
        await client.answer('e');
      }
      await linked(sender, packed);
      sender.send({ event: 'say', data: { list: [new Uint8Array([1, 255])], text: 'ü' } });
      const isBytes = ({ event, data }: { event?: string; data?: unknown }): boolean =>
        event === 'said' && typeof data === 'object';
      const { data } = await packed.take('the bytes', isBytes);
      expect([Buffer.from(data.list[0] as Uint8Array), data.text]).toEqual([Buffer.from([1, 255]), 'ü']);
      expect((await json.take('the text', isBytes)).data).toEqual({ list: ['Af8='], text: 'ü' });
    });

    (recovers ? it : it.skip)('are recovered on another node', async () => {
      const sender = await open(0);
      const cut = await open(0);
      const session = cut.messages[0]!.data.session as string;
      cut.send({ event: 'enter', id: 'e' });
      await cut.answer('e');
      sender.send({ event: 'say', data: 'first' });
      await cut.next('said');
      const { offset } = cut;
      cut.ws.terminate();
      await cut.ended();
      sender.send({ event: 'say', data: { bytes: Buffer.from([7, 8]) } });
      const back = await open(1, [MSGPACK, authOf(session, offset)]);
      expect(back.messages[0]!.data.recovered).toBe(true);
      const { data } = await back.next('said');
      expect(Buffer.from(data.bytes as Uint8Array)).toEqual(Buffer.from([7, 8]));
    });
  });
});
