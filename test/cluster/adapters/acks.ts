import { answer, failureOf, uniqueName, type Cases } from './cases.js';

/** Milliseconds for requests that should time out, and for others. Adapters keep a timer for this long in any case. */
const [SHORT, LONG] = [1_500, 3_500];

export const acks: Cases = (cluster) => {
  describe('a broadcast with acknowledgements', () => {
    it('resolves with the answers of all clients of all nodes', async () => {
      const [node] = cluster.three;
      const members = await cluster.joinEach();
      const request = node.server((server) => server.timeout(LONG).emitWithAck('vote', { on: 'it' }));
      const requests = await Promise.all(members.map((member, index) => answer(member, 'vote', index)));
      expect(requests.map(({ data }) => data as object)).toEqual(Array(3).fill({ on: 'it' }));
      expect(new Set((await request) as number[])).toEqual(new Set([0, 1, 2]));
    });

    it('reaches a room, all but a room, and the others of a client, with any answers', async () => {
      const [node] = cluster.three;
      const room = uniqueName('room');
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      const values = [null, false, { text: 'ä' }];
      const inRoom = node.server((server) => server.to(room).timeout(LONG).emitWithAck('vote'));
      await Promise.all(inside.map((member, index) => answer(member, 'vote', values[index])));
      expect(await inRoom).toHaveLength(3);
      expect(await inRoom).toEqual(expect.arrayContaining(values));

      const others = node.server((server) => server.except(room).timeout(LONG).emitWithAck('vote'));
      await Promise.all(outside.map((member) => answer(member, 'vote', 'outside')));
      expect(await others).toEqual(Array(3).fill('outside'));

      const fromClient = node.socket(inside[0].id, (socket) =>
        socket.to(room).timeout(LONG).emitWithAck('vote'),
      );
      await Promise.all(inside.slice(1).map((member) => answer(member, 'vote', 'yes')));
      expect(await fromClient).toEqual(['yes', 'yes']);
      for (const frames of await cluster.got(node, outside)) expect(frames).toHaveLength(1);
    });

    it('rejects with the answers that arrived when a client of another node does not answer', async () => {
      const [node] = cluster.three;
      const [near, middle] = await cluster.joinEach();
      const request = failureOf(node.server((server) => server.timeout(SHORT).emitWithAck('vote')));
      await answer(near, 'vote', 'near');
      await answer(middle, 'vote', 'middle');
      const { message, responses } = await request;
      expect(message).toMatch(/timed out/);
      expect((responses as string[]).sort()).toEqual(['middle', 'near']);
    });

    it('rejects with the other answers when a client disconnects without an answer', async () => {
      const [node] = cluster.three;
      const [near, , far] = await cluster.joinEach();
      const request = failureOf(node.server((server) => server.timeout(SHORT).emitWithAck('vote')));
      await far.client.next('vote');
      far.client.ws.terminate();
      await answer(near, 'vote', 'near');
      expect((await request).responses).toEqual(['near']);
    });

    it('resolves immediately without answers for an empty room', async () => {
      const [node] = cluster.three;
      const members = await cluster.joinEach();
      const started = performance.now();
      const request = node.server((server) =>
        server.to(uniqueName('empty')).timeout(LONG).emitWithAck('vote'),
      );
      expect(await request).toEqual([]);
      expect(performance.now() - started).toBeLessThan(LONG);
      expect(await cluster.got(node, members)).toEqual([[], [], []]);
    });
  });
};

export const acksAcross: Cases = (cluster) => {
  describe('a broadcast with acknowledgements, across nodes', () => {
    it('can be limited to this node', async () => {
      const [node] = cluster.three;
      const members = await cluster.joinEach();
      const request = node.server((server) => server.local.timeout(LONG).emitWithAck('vote'));
      await answer(members[0], 'vote', 'near');
      expect(await request).toEqual(['near']);
      expect((await cluster.got(node, members)).map((frames) => frames.length)).toEqual([1, 0, 0]);
    });

    it('reaches a room whose members are all on another node', async () => {
      const [node, , three] = cluster.three;
      const room = uniqueName('room');
      const far = await cluster.join(three, [room]);
      const request = node.server((server) => server.to(room).timeout(LONG).emitWithAck('vote'));
      await answer(far, 'vote', 'far');
      expect(await request).toEqual(['far']);
    });

    it('rejects with the answers that arrived when a node does not answer', async () => {
      const [node] = cluster.three;
      const members = await cluster.joinEach();
      const { answering, restore } = await cluster.stopAnswering(members);
      try {
        const request = failureOf(node.server((server) => server.timeout(SHORT).emitWithAck('vote')));
        await Promise.all(answering.map((member) => answer(member, 'vote', member.node.name)));
        const { message, responses } = await request;
        expect(message).toMatch(/timed out/);
        expect((responses as string[]).sort()).toEqual(answering.map(({ node }) => node.name).sort());
      } finally {
        await restore();
      }
      await cluster.waitForNodes(members);
    });
  });
};
