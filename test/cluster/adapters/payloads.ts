import { uniqueName, unless, type Cases } from './cases.js';

export const payloads: Cases = (cluster, backend) => {
  const itUnless = unless(backend);

  describe('payloads', () => {
    it('are equal on every node: no data, falsy values, several arguments', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const values = [null, 0, '', false, [], {}, [null], { a: null }];
      await one.server((server) => server.emit('bare'));
      for (const value of values) await one.server((server) => server.emit('value', value));
      await one.server((server) => server.emit('several', 1, null, 'three'));
      for (const frames of await cluster.got(one, members))
        expect(frames).toStrictEqual([
          { event: 'bare' },
          ...values.map((data) => ({ event: 'value', data })),
          { event: 'several', data: [1, null, 'three'] },
        ]);
    });

    it('are equal on every node: numbers, text of any language, names with a meaning in JavaScript', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const value = {
        numbers: [-1, 1.5, 1e-7, 2 ** 31, 2 ** 32 + 1, -(2 ** 40), Number.MAX_SAFE_INTEGER, 2 ** 63],
        text: 'grüße, 世界, 🚀, \u0000, \u2028, "quoted", \\',
        ключ: ['عربى', '\ud83d\ude00'],
        constructor: 1,
        toString: 'x',
        deep: { a: [{ b: [[[{ c: true }]]] }] },
      };
      await one.server((server) => server.emit('välue ✓', value));
      for (const frames of await cluster.got(one, members))
        expect(frames).toStrictEqual([{ event: 'välue ✓', data: value }]);
    });

    itUnless('huge numbers', 'are equal on every node: integers beyond 64 bits', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      await one.server((server) => server.emit('huge', [2 ** 64, -1e20, 1e300]));
      for (const frames of await cluster.got(one, members))
        expect(frames).toEqual([{ event: 'huge', data: [2 ** 64, -1e20, 1e300] }]);
    });

    it('reach no client when JSON cannot serialize them', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const values: [value: unknown, kind: string][] = [
        [BigInt(1), 'a BigInt'],
        [new Map([[1, 2]]), 'a Map'],
        [new Uint8Array(2), 'a Uint8Array'],
        [NaN, 'NaN'],
      ];
      for (const [value, kind] of values) {
        const error = `"huge" cannot be sent: data[0] is ${kind}`;
        await expect(one.server((server) => server.emit('huge', [value]))).rejects.toThrow(error);
        await expect(one.server((server) => server.serverSideEmit('huge', [value]))).rejects.toThrow(error);
      }
      expect(await cluster.got(one, members)).toEqual([[], [], []]);
    });

    it('may have 100 kB, to all and to a room', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const members = await cluster.joinEach([room]);
      const text = '0123456789äöü€'.repeat(6_000);
      await one.server((server) => server.emit('big', { text }));
      for (const { client } of members) expect((await client.next('big')).data).toEqual({ text });
      await one.server((server) => server.to(room).emit('big', { text, again: true }));
      for (const { client } of members)
        expect((await client.next('big')).data).toEqual({ text, again: true });
    });
  });

  describe('order', () => {
    it('of many emits of one node is kept at each client of each node', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const members = await cluster.joinEach([room]);
      const numbers = Array.from({ length: 200 }, (_, index) => index);
      // All of them are sent at the same time.
      await Promise.all(
        numbers.map((number) => one.server((server) => server.to(room).emit('count', number))),
      );
      for (const frames of await cluster.got(one, members))
        expect(frames.map(({ data }) => data as number)).toEqual(numbers);
    });

    it('of emits with different targets is kept', async () => {
      const [one] = cluster.three;
      const [red, blue] = [uniqueName('red'), uniqueName('blue')];
      const members = await cluster.joinEach([red, blue]);
      const [, , far] = members;
      const numbers = Array.from({ length: 60 }, (_, index) => index);
      const targets = [[], [red], [far.id], [red, blue], [blue]];
      await Promise.all(
        numbers.map((number) =>
          one.server((server) => server.to(targets[number % targets.length]!).emit('count', number)),
        ),
      );
      const [frames] = await cluster.got(one, [far]);
      expect(frames!.map(({ data }) => data as number)).toEqual(numbers);
    });

    it('of emits to a room and to a client of the same node is kept', async () => {
      const [one] = cluster.three;
      const room = uniqueName('room');
      const near = await cluster.join(one, [room]);
      await Promise.all([
        one.server((server) => server.to(room).emit('first')),
        one.socket(near.id, (socket) => socket.emit('second')),
        one.server((server) => server.emit('third')),
        one.socket(near.id, (socket) => socket.emit('fourth')),
      ]);
      const [frames] = await cluster.got(one, [near]);
      expect(frames!.map(({ event }) => event)).toEqual(['first', 'second', 'third', 'fourth']);
    });

    itUnless('order of sizes', 'of large and small messages is kept', async () => {
      const [one] = cluster.three;
      const members = await cluster.joinEach();
      const text = 'x'.repeat(100_000);
      for (let round = 0; round < 3; round++) {
        await one.server((server) => server.emit('big', text));
        await one.server((server) => server.emit('small'));
      }
      for (const frames of await cluster.got(one, members))
        expect(frames.map(({ event }) => event).join()).toBe('big,small,big,small,big,small');
    });
  });
};
