import type { MixedCases } from './cases.js';

/** Milliseconds for requests that should time out, and for others. Adapters keep a timer for this long in any case. */
const [SHORT, LONG] = [1_500, 3_500];

export const requests: MixedCases = (cluster, from, to) => {
  it.each([
    ['no argument', []],
    ['one argument', [{ on: 'it' }]],
    ['several arguments', [1, 'two', null]],
  ])('asks a room with clients on both nodes, with %s', async (_, args) => {
    const members = await cluster.joinBoth(['room']);
    const [outside] = await cluster.joinBoth();
    for (const member of members) member.answer('vote', (...given) => ({ id: member.id, given }));
    const answers = (await cluster
      .node(from)
      .server()
      .to('room')
      .timeout(LONG)
      .emitWithAck('vote', ...args)) as {
      id: string;
      given: unknown[];
    }[];
    const given = args.length === 0 ? [[], [undefined], [null]] : [args];
    expect(answers.map(({ id }) => id).sort()).toEqual(members.map(({ id }) => id).sort());
    for (const answer of answers) expect(given).toContainEqual(answer.given);
    expect(await cluster.got(from, [outside])).toEqual([[]]);
  });

  if (cluster.carriesBytes)
    it('asks with bytes, and gets bytes', async () => {
      const bytes = Buffer.from([0, 1, 128, 255]);
      const members = await cluster.joinBoth(['room']);
      const asked: unknown[] = [];
      for (const member of members)
        member.answer('vote', (...given) => {
          asked.push(given);
          return { by: member.id, bytes: Buffer.concat([bytes, bytes]) };
        });
      const answers = (await cluster
        .node(from)
        .server()
        .to('room')
        .timeout(LONG)
        .emitWithAck('vote', 1, bytes)) as {
        bytes: Buffer;
      }[];
      expect(asked).toEqual([
        [1, bytes],
        [1, bytes],
      ]);
      for (const answer of answers) expect(Buffer.from(answer.bytes)).toEqual(Buffer.concat([bytes, bytes]));
      expect(answers).toHaveLength(2);
    });

  it('asks one client of the other node', async () => {
    const members = await cluster.joinBoth();
    for (const member of members) member.answer('vote', () => member.id);
    for (const { id } of members)
      expect(await cluster.node(from).server().to(id).timeout(LONG).emitWithAck('vote')).toEqual([id]);
  });

  it('gets the answers that arrived when a client of the other node does not answer', async () => {
    const members = await cluster.joinBoth(['room']);
    const [theirs, ours] = members;
    const near = from === 'theirs' ? theirs : ours;
    near.answer('vote', () => 'near');
    const error: unknown = await cluster
      .node(from)
      .server()
      .to('room')
      .timeout(SHORT)
      .emitWithAck('vote')
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ responses: ['near'] });
  });

  it('emits to the other server, with and without answers', async () => {
    const [theirs, ours] = await cluster.joinBoth();
    const far = to === 'ours' ? ours : theirs;
    const server = cluster.node(from).server();
    expect(await server.serverSideEmitWithAck('question' as never, 1, 'two', null)).toEqual([
      { node: to, args: [1, 'two', null] },
    ]);
    expect(await server.serverSideEmitWithAck('question' as never)).toEqual([{ node: to, args: [] }]);
    server.serverSideEmit('note' as never, 1, [2]);
    await far.received('noted');
    expect(far.events().at(-1)).toEqual(['noted', { node: to, args: [1, [2]] }]);
  });
};
