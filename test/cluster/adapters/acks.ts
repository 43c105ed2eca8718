import { answer, failureOf, fresh, type Cases } from './cases.js';

/** Milliseconds for what is to time out, and for what is not. Adapters keep a timer for so long, come what may. */
const [SHORT, LONG] = [600, 2_000];

export const acks: Cases = (cluster) => {
  describe('a broadcast with acknowledgements', () => {
    it('resolves with the answers of all clients of all nodes', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const asked = one.server((server) => server.timeout(LONG).emitWithAck('vote', { on: 'it' }));
      const requests = await Promise.all(members.map((member, index) => answer(member, 'vote', index)));
      expect(requests.map(({ data }) => data as object)).toEqual(Array(3).fill({ on: 'it' }));
      expect(new Set((await asked) as number[])).toEqual(new Set([0, 1, 2]));
    });

    it('asks a room, all but some, and the others of a client; any answer will do', async () => {
      const [one] = cluster.three;
      const room = fresh('room');
      const inside = await cluster.joinEach([room]);
      const outside = await cluster.joinEach();
      const values = [null, false, { text: 'ä' }];
      const inRoom = one.server((server) => server.to(room).timeout(LONG).emitWithAck('vote'));
      await Promise.all(inside.map((member, index) => answer(member, 'vote', values[index])));
      expect(await inRoom).toHaveLength(3);
      expect(await inRoom).toEqual(expect.arrayContaining(values));

      const others = one.server((server) => server.except(room).timeout(LONG).emitWithAck('vote'));
      await Promise.all(outside.map((member) => answer(member, 'vote', 'outside')));
      expect(await others).toEqual(Array(3).fill('outside'));

      const fromClient = one.socket(inside[0].id, (socket) =>
        socket.to(room).timeout(LONG).emitWithAck('vote'),
      );
      await Promise.all(inside.slice(1).map((member) => answer(member, 'vote', 'yes')));
      expect(await fromClient).toEqual(['yes', 'yes']);
      for (const frames of await cluster.got(one, outside)) expect(frames).toHaveLength(1);
    });

    it('with a client of another node that is silent: an error, and the answers that came', async () => {
      const [one] = cluster.three;
      const [near, middle] = await cluster.joinEach();
      const asked = failureOf(one.server((server) => server.timeout(SHORT).emitWithAck('vote')));
      await answer(near, 'vote', 'near');
      await answer(middle, 'vote', 'middle');
      const { message, responses } = await asked;
      expect(message).toMatch(/timed out/);
      expect((responses as string[]).sort()).toEqual(['middle', 'near']);
    });

    it('with a client that leaves without an answer: the others are heard', async () => {
      const [one] = cluster.three;
      const [near, , far] = await cluster.joinEach();
      const asked = failureOf(one.server((server) => server.timeout(SHORT).emitWithAck('vote')));
      await far.client.next('vote');
      far.client.ws.terminate();
      await answer(near, 'vote', 'near');
      expect((await asked).responses).toEqual(['near']);
    });

    it('with nobody in the room: no answers, at once', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const started = performance.now();
      const asked = one.server((server) => server.to(fresh('empty')).timeout(LONG).emitWithAck('vote'));
      expect(await asked).toEqual([]);
      expect(performance.now() - started).toBeLessThan(LONG / 2);
      expect(await cluster.got(one, members)).toEqual([[], [], []]);
    });
  });
};

export const acksAcross: Cases = (cluster) => {
  describe('a broadcast with acknowledgements, across nodes', () => {
    it('of this node alone asks nobody else', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const asked = one.server((server) => server.local.timeout(LONG).emitWithAck('vote'));
      await answer(members[0], 'vote', 'near');
      expect(await asked).toEqual(['near']);
      expect((await cluster.got(one, members)).map((frames) => frames.length)).toEqual([1, 0, 0]);
    });

    it('of a room that is all on another node', async () => {
      const [one, , three] = cluster.three;
      const room = fresh('room');
      const far = await cluster.join(three, [room]);
      const asked = one.server((server) => server.to(room).timeout(LONG).emitWithAck('vote'));
      await answer(far, 'vote', 'far');
      expect(await asked).toEqual(['far']);
    });

    it('with a node that does not answer: an error, and the answers that came', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const { answering, restore } = await cluster.stopAnswering(members);
      try {
        const asked = failureOf(one.server((server) => server.timeout(SHORT).emitWithAck('vote')));
        await Promise.all(answering.map((member) => answer(member, 'vote', member.node.name)));
        const { message, responses } = await asked;
        expect(message).toMatch(/timed out/);
        expect((responses as string[]).sort()).toEqual(answering.map(({ node }) => node.name).sort());
      } finally {
        await restore();
      }
      await cluster.waitForNodes(members);
    });
  });
};
