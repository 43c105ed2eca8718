import { failureOf, fresh, type Cases } from './cases.js';

interface Answer {
  node: string;
  text: string;
}

export const serverSide: Cases = (cluster) => {
  // some adapters wait five seconds, come what may: that goes on beside all other tests
  let unanswered: Promise<Error & { responses?: unknown }>;
  beforeAll(() => {
    const [one, , three] = cluster.three;
    const question = { text: 'anybody?', silent: three.name };
    unanswered = failureOf(one.server((server) => server.serverSideEmitWithAck('question', question)));
    unanswered.catch(() => undefined);
  });

  describe('serverSideEmit', () => {
    it('is heard by the servers of the other nodes, not by its own', async () => {
      const [one, two, three] = cluster.three;
      const [near, ...others] = await cluster.joinEach();
      await one.server((server) => server.serverSideEmit('note', { text: 'hä?', list: [1, null] }));
      const heard = await Promise.all(others.map(({ client }) => client.next('noted')));
      expect(heard.map(({ data }) => data as object)).toEqual(
        [two, three].map(({ name }) => ({ node: name, data: { text: 'hä?', list: [1, null] } })),
      );
      expect(await cluster.got(one, [near])).toEqual([[]]);
    });

    it('carries nothing, and falsy values', async () => {
      const [one] = cluster.three;
      const [, , far] = await cluster.joinEach();
      await one.server((server) => server.serverSideEmit('note'));
      expect((await far.client.next('noted')).data).toEqual({ node: far.node.name });
      for (const value of [null, 0, '', false]) {
        await one.server((server) => server.serverSideEmit('note', value));
        expect((await far.client.next('noted')).data).toEqual({ node: far.node.name, data: value });
      }
    });

    it('goes to its own namespace', async () => {
      const [one] = cluster.three;
      const main = await cluster.joinEach();
      const [, , far] = await cluster.joinEach([], { path: '/ws/other' });
      await one.server((server) => server.serverSideEmit('note', 1), '/ws/other');
      await far.client.next('noted');
      expect(await cluster.got(one, main)).toEqual([[], [], []]);
    });

    it('of an event that nobody listens to: nothing', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.serverSideEmit(fresh('unheard')));
      expect(await cluster.got(one, members)).toEqual([[], [], []]);
    });

    it('with an acknowledgement: all other nodes answer', async () => {
      const [one, two, three] = cluster.three;
      const answers = (await one.server((server) =>
        server.serverSideEmitWithAck('question', { text: 'who?' }),
      )) as Answer[];
      expect(answers).toHaveLength(2);
      expect(answers).toEqual(
        expect.arrayContaining([two, three].map(({ name }) => ({ node: name, text: 'who?' }))),
      );
    });

    it('with a node that does not answer: an error, and the answers that came', async () => {
      const { message, responses } = await unanswered;
      expect(message).toMatch(/timeout/);
      expect(responses).toEqual([{ node: cluster.three[1].name, text: 'anybody?' }]);
    });
  });
};
