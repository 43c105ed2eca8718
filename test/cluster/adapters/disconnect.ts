import { idsOf, type Cases } from './cases.js';

/** The last of all: a node is closed. */
export const leaving: Cases = (cluster) => {
  describe('a node that closes', () => {
    it('lets its clients go; the others go on, and do not count it any more', async () => {
      const [one, two, three] = cluster.three;
      const [near, middle, far] = await cluster.joinEach(['room']);
      cluster.nodes.pop();
      await three.close();
      expect(await far.client.ended()).toMatchObject({ code: 1001 });
      await cluster.waitForNodes([near, middle]);
      for (const node of [one, two]) {
        expect(idsOf(await node.fetch())).toEqual(idsOf([near, middle]));
        await node.server((server) => server.to('room').emit('news', node.name));
        for (const frames of await cluster.got(node, [near, middle]))
          expect(frames.at(-1)).toEqual({ event: 'news', data: node.name });
      }
      expect(
        await one.server((server) => server.serverSideEmitWithAck('question', { text: 'still there?' })),
      ).toEqual([{ node: two.name, text: 'still there?' }]);
    });

    it('leaves the clients of the broker open that it was given', async () => {
      for (const link of cluster.links) await link.use();
    });
  });
};
