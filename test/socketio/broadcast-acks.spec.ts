import { answer, got, startBareApp } from '../support/bare-gateway.js';
import { coded } from '../support/error-code.js';

/** Milliseconds in which one client answers, also on a busy machine, and another one never does. */
const ANSWERED = 1_000;

describe("Socket.IO's broadcasts with acknowledgements", () => {
  it('calls back once with all answers after timeout(ms).emit to several clients', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob] = await join(2);
    const calls: unknown[][] = [];
    const called = new Promise<void>((resolve) => {
      server.timeout(5_000).emit('vote', 'a', 'b', (...args: unknown[]) => {
        calls.push(args);
        resolve();
      });
    });
    expect((await answer(bob!.client, 'vote', 'for')).data).toEqual(['a', 'b']);
    await bob!.client.settled();
    await answer(ada!.client, 'vote', null);
    await called;
    await ada!.client.settled();
    expect(calls).toEqual([[null, ['for', null]]]);
  });

  it('reports a timeout and the received answers when one client does not answer', async () => {
    const { server, join } = await startBareApp();
    const [ada, silent] = await join(2);
    const asked = new Promise<unknown[]>((resolve) => {
      server.timeout(ANSWERED).emit('vote', (...args: unknown[]) => resolve(args));
    });
    await answer(ada!.client, 'vote', 1);
    const [error, answers] = await asked;
    expect(error).toEqual(new Error('operation has timed out'));
    expect(answers).toEqual([1]);

    const promised = server.timeout(ANSWERED).emitWithAck('vote', 2);
    await answer(ada!.client, 'vote', 2);
    await expect(promised).rejects.toMatchObject({ message: 'operation has timed out', responses: [2] });

    // The late answer is ignored, and no request stays open.
    await answer(silent!.client, 'vote', 'late');
    await silent!.client.settled();
    expect(server.counters.ignoredAnswers).toBe(1);
    expect([ada!.socket.acks.size, silent!.socket.acks.size]).toEqual([0, 0]);
  });

  it('does not count a second or unrequested answer for a client that does not answer', async () => {
    const { server, join } = await startBareApp();
    const [ada, eve] = await join(3);
    await eve!.socket.join('outside');
    const promised = server.except('outside').timeout(ANSWERED).emitWithAck('vote');
    const request = await ada!.client.next('vote');
    for (const data of [1, 2, 3]) ada!.client.send({ ack: request.id, data });
    eve!.client.send({ ack: request.id, data: 'forged' });
    await expect(promised).rejects.toMatchObject({ responses: [1] });
    expect(server.counters.ignoredAnswers).toBe(3);
  });

  it('resolves with [] when no client matches', async () => {
    const { server, join } = await startBareApp();
    expect(await server.timeout(60_000).emitWithAck('vote')).toEqual([]);
    const [ada] = await join(1);
    expect(await server.to('empty').timeout(60_000).emitWithAck('vote')).toEqual([]);
    expect(await ada!.socket.broadcast.timeout(60_000).emitWithAck('vote')).toEqual([]);
    expect(await got(ada!.client)).toEqual([]);
  });

  it('supports to and except in emitWithAck on operators', async () => {
    const { server, join } = await startBareApp();
    const [ada, bob, eve] = await join(3);
    await ada!.socket.join('red');
    await bob!.socket.join('red');
    const toRoom = server.to('red').except(bob!.socket.id).emitWithAck('q', 1);
    await answer(ada!.client, 'q', 'ada');
    expect(await toRoom).toEqual(['ada']);
    const fromSocket = ada!.socket.to('red').timeout(5_000).emitWithAck('q', 2);
    await answer(bob!.client, 'q', 'bob');
    expect(await fromSocket).toEqual(['bob']);
    const fromNamespace = server.of('/ws').except('red').emitWithAck('q', 3);
    await answer(eve!.client, 'q', 'eve');
    expect(await fromNamespace).toEqual(['eve']);
    expect(await got(eve!.client)).toEqual([['q', 3]]);
  });

  it('resolves a request to a fetched socket with one value, not a list', async () => {
    const { server, join } = await startBareApp();
    const [ada] = await join(1);
    const [fetched] = await server.fetchSockets();
    const promised = fetched!.timeout(5_000).emitWithAck('q', 'single');
    await answer(ada!.client, 'q', { one: 1 });
    expect(await promised).toEqual({ one: 1 });
    await expect(fetched!.timeout(50).emitWithAck('q')).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
  });

  it('throws at the call when JSON cannot encode the data, and never calls back', async () => {
    const { server, join } = await startBareApp();
    const [ada] = await join(1);
    let calls = 0;
    expect(() => server.timeout(1).emit('q', 1n, () => calls++)).toThrow(TypeError);
    await expect(server.timeout(20).emitWithAck('q', 1n)).rejects.toThrow(TypeError);
    // The timeout of this later request fires after those of the two failed requests would have fired.
    await expect(server.timeout(40).emitWithAck('q')).rejects.toThrow('timed out');
    expect(calls).toBe(0);
    expect(await got(ada!.client)).toEqual([['q', undefined]]);
  });
});
