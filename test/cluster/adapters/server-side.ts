import { failureOf, uniqueName, type Cases } from './cases.js';

interface Answer {
  node: string;
  text: string;
}

export const serverSide: Cases = (cluster) => {
  // Some adapters wait five seconds in any case. The request runs in parallel with all other tests.
  let unanswered: Promise<Error & { responses?: unknown }>;
  beforeAll(() => {
    const [one, , three] = cluster.three;
    const question = { text: 'any answer?', silent: three.name };
    unanswered = failureOf(one.server((server) => server.serverSideEmitWithAck('question', question)));
    unanswered.catch(() => undefined);
  });

  describe('serverSideEmit', () => {
    it('reaches the servers of the other nodes, not its own', async () => {
      const [one, two, three] = cluster.three;
      const [near, ...others] = await cluster.joinEach();
      await one.server((server) => server.serverSideEmit('note', { text: 'hä?', list: [1, null] }));
      const received = await Promise.all(others.map(({ client }) => client.next('noted')));
      expect(received.map(({ data }) => data as object)).toEqual(
        [two, three].map(({ name }) => ({ node: name, data: { text: 'hä?', list: [1, null] } })),
      );
      expect(await cluster.got(one, [near])).toEqual([[]]);
    });

    it('sends events without data and falsy values', async () => {
      const [one] = cluster.three;
      const [, , far] = await cluster.joinEach();
      await one.server((server) => server.serverSideEmit('note'));
      expect((await far.client.next('noted')).data).toEqual({ node: far.node.name });
      for (const value of [null, 0, '', false]) {
        await one.server((server) => server.serverSideEmit('note', value));
        expect((await far.client.next('noted')).data).toEqual({ node: far.node.name, data: value });
      }
    });

    it('stays within its namespace', async () => {
      const [one] = cluster.three;
      const main = await cluster.joinEach();
      const [, , far] = await cluster.joinEach([], { path: '/ws/other' });
      await one.server((server) => server.serverSideEmit('note', 1), '/ws/other');
      await far.client.next('noted');
      expect(await cluster.got(one, main)).toEqual([[], [], []]);
    });

    it('of an event without a listener has no effect', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.serverSideEmit(uniqueName('unhandled')));
      expect(await cluster.got(one, members)).toEqual([[], [], []]);
    });

    it('with an acknowledgement returns the answers of all other nodes', async () => {
      const [one, two, three] = cluster.three;
      const answers = (await one.server((server) =>
        server.serverSideEmitWithAck('question', { text: 'who?' }),
      )) as Answer[];
      expect(answers).toHaveLength(2);
      expect(answers).toEqual(
        expect.arrayContaining([two, three].map(({ name }) => ({ node: name, text: 'who?' }))),
      );
    });

    it('rejects with the answers that arrived when a node does not answer', async () => {
      const { message, responses } = await unanswered;
      expect(message).toMatch(/timeout/);
      expect(responses).toEqual([{ node: cluster.three[1].name, text: 'any answer?' }]);
    });
  });
};
