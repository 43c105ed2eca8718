import { idsOf, type Cases } from './cases.js';

/** It runs last, because it closes a node. */
export const closingNode: Cases = (cluster) => {
  describe('a node that closes', () => {
    it('disconnects its clients, and the other nodes stop counting it', async () => {
      const [first, second, third] = cluster.three;
      const [near, middle, far] = await cluster.joinEach(['room']);
      cluster.nodes.pop();
      await third.close();
      expect(await far.client.ended()).toMatchObject({ code: 1001 });
      await cluster.waitForNodes([near, middle]);
      for (const node of [first, second]) {
        expect(idsOf(await node.fetch())).toEqual(idsOf([near, middle]));
        await node.server((server) => server.to('room').emit('news', node.name));
        for (const frames of await cluster.got(node, [near, middle]))
          expect(frames.at(-1)).toEqual({ event: 'news', data: node.name });
      }
      expect(
        await first.server((server) => server.serverSideEmitWithAck('question', { text: 'still there?' })),
      ).toEqual([{ node: second.name, text: 'still there?' }]);
    });

    it('leaves the given clients of the broker open', async () => {
      for (const link of cluster.links) await link.use();
    });
  });
};
