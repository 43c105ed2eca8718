import type { SocketView } from '../../support/cluster/chain.js';
import { failureOf, uniqueName, idsOf, type Cases } from './cases.js';
import { until } from '../../support/wait.js';

export const fetchSockets: Cases = (cluster) => {
  describe('fetchSockets', () => {
    it('returns the sockets of all nodes, of one room, of several, and all except one', async () => {
      const [one, two] = cluster.three;
      const [red, blue] = [uniqueName('red'), uniqueName('blue')];
      const reds = await cluster.joinEach([red]);
      const [, , far] = await cluster.joinEach([blue]);
      const members = await Promise.all([one.fetch(), two.fetch()]);
      for (const sockets of members) expect(sockets).toHaveLength(6);
      expect(idsOf(members[0]!)).toEqual(idsOf(members[1]!));
      expect(idsOf(await one.fetch((server) => server.in(red)))).toEqual(idsOf(reds));
      expect(await one.fetch((server) => server.in([red, blue]))).toHaveLength(6);
      expect(await one.fetch((server) => server.in(red).except(reds[2].id))).toHaveLength(2);
      expect(await two.fetch((server) => server.except(red))).toHaveLength(3);
      expect(idsOf(await two.fetch((server) => server.in(far.id)))).toEqual([far.id]);
      expect(await one.fetch((server) => server.in(uniqueName('empty')))).toEqual([]);
    });

    it('returns the data, the rooms and the handshake of each socket', async () => {
      const [one, , three] = cluster.three;
      const far = await cluster.join(three, ['red', 7], {
        query: '?tab=1&tag=a&tag=b',
        headers: { 'x-device': 'phone' },
        protocols: ['bearer', 'abc'],
      });
      await far.client.ask('keep', { name: 'Ada', age: 36, tags: ['x'], none: null });
      const [socket, ...others] = await one.fetch((server) => server.in(far.id));
      expect(others).toEqual([]);
      expect(socket!.data).toEqual({ name: 'Ada', age: 36, tags: ['x'], none: null });
      expect(new Set(socket!.rooms)).toEqual(new Set([far.id, 'red', 7]));
      expect(socket!.handshake).toMatchObject({
        headers: { 'x-device': 'phone', authorization: 'Bearer abc' },
        query: { tab: '1', tag: ['a', 'b'] },
        auth: { token: 'abc' },
        address: '127.0.0.1',
        url: '/ws?tab=1&tag=a&tag=b',
        secure: false,
        xdomain: false,
      });
      const { issued, time } = socket!.handshake;
      expect(new Date(time).getTime()).toBe(Math.floor(issued / 1_000) * 1_000);
      // It is the same on its own node.
      const [onOwnNode] = await three.fetch((server) => server.in(far.id));
      expect(onOwnNode).toEqual(socket);
    });

    it('does not return disconnected sockets', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const [near, , far] = await cluster.joinEach([room]);
      for (const { client } of [near, far]) {
        client.close(1000);
        await client.ended();
      }
      await until('both disconnects', async () => {
        const sockets = await one.fetch((server) => server.in(room));
        return sockets.length === 1;
      });
    });
  });
};

export const fetchSocketsAcross: Cases = (cluster) => {
  describe('fetchSockets, limited to this node', () => {
    it('returns the sockets of this node, of all rooms or of one', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const [near] = await cluster.joinEach([room]);
      const other = await cluster.join(one);
      expect(idsOf(await one.fetch((server) => server.local))).toEqual(idsOf([near, other]));
      expect(idsOf(await one.fetch((server) => server.local.in(room)))).toEqual([near.id]);
    });

    it('rejects within its timeout with the other sockets when a node does not answer', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const { answering, restore } = await cluster.stopAnswering(members);
      try {
        const started = performance.now();
        const { message, responses } = await failureOf(one.fetch((server) => server.timeout(1_500)));
        // of the adapter, or of the target, whichever ends first
        expect(message).toMatch(/timeout|timed out/);
        expect(idsOf(responses as SocketView[])).toEqual(idsOf(answering));
        expect(performance.now() - started).toBeLessThan(4_500);
      } finally {
        await restore();
      }
      await cluster.waitForNodes(members);
      expect(await one.fetch()).toHaveLength(3);
    });
  });
};
