import * as fc from 'fast-check';
import { PendingRequests } from '../../lib/protocol/pending-requests.js';
import { RequestError } from '../../lib/protocol/request-error.js';
import { broadcastRequest } from '../../lib/server/rooms/broadcast-ack.js';
import type { EmitFlags, EventPacket, Namespace } from '../../lib/server/rooms/adapter-types.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { deferred } from '../support/wait.js';

/** A fake cluster: the test reports how many clients each node asked, and sends the responses. */
function cluster(flags: EmitFlags = {}) {
  const nodes = deferred<number>();
  const tables = [new Map([[7, () => undefined]]), new Map([[7, () => undefined]])];
  const sockets = new Map(tables.map((acks, index) => [`${index}`, { acks }]));
  let asked: ((clients: number) => void) | undefined;
  let answer: ((value: unknown) => void) | undefined;
  const adapter = {
    broadcastWithAck: (
      packet: EventPacket,
      _options: unknown,
      onAsked: typeof asked,
      onAnswer: typeof answer,
    ) => {
      packet.id = 7;
      asked = onAsked;
      answer = onAnswer;
    },
    serverCount: () => nodes.promise,
  };
  const calls: [Error | null, unknown][] = [];
  const called = deferred();
  const options = { rooms: new Set<string>(), except: new Set<string>(), flags };
  broadcastRequest(
    { adapter, sockets } as unknown as Namespace,
    { type: 2, data: ['e'] },
    options,
    (...call) => {
      calls.push(call);
      called.resolve();
    },
  );
  return { nodes, tables, calls, called: called.promise, options, asked: asked!, answer: answer! };
}

describe('a broadcast with acknowledgement', () => {
  expectNoUnhandledErrors();

  it('resolves when all nodes have reported and all clients have responded, in any order', async () => {
    const counts = fc.array(fc.nat(4), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        counts,
        fc.infiniteStream(fc.double({ noNaN: true, min: 0, max: 1 })),
        async (clients, randoms) => {
          const { nodes, calls, called, asked, answer } = cluster();
          let value = 0;
          // a response follows its node's report, or it counts as another client's response: the same with real adapters
          const steps = [() => nodes.resolve(clients.length)];
          const ready = clients.map((count) => () => {
            asked(count);
            for (let i = 0; i < count; i++) steps.push(() => answer(value++));
          });
          steps.push(...ready);
          const total = clients.reduce((sum, count) => sum + count, 0);
          while (steps.length > 0) {
            expect(calls).toEqual([]);
            const [step] = steps.splice(Math.floor(randoms.next().value! * steps.length) % steps.length, 1);
            step!();
            if (steps.length > 0) await Promise.resolve();
          }
          await called;
          expect(calls).toEqual([[null, Array.from({ length: total }, (_, i) => i)]]);
          answer('late');
          asked(1);
          expect(calls).toHaveLength(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('resolves at once without clients', async () => {
    const { nodes, calls, called, asked } = cluster();
    asked(0);
    nodes.resolve(1);
    await called;
    expect(calls).toEqual([[null, []]]);
  });

  it('fails after its timeout with the responses so far, and drops later ones', async () => {
    const { nodes, tables, calls, called, asked, answer } = cluster({ timeout: 5 });
    nodes.resolve(1);
    asked(2);
    answer('one');
    await called;
    expect(calls).toEqual([[new Error('operation has timed out'), ['one']]]);
    expect(tables.map(({ size }) => size)).toEqual([0, 0]);
    answer('late');
    expect(calls).toHaveLength(1);
    expect(calls[0]![1]).toEqual(['one']);
  });

  it('fails after its timeout when the broker does not answer', async () => {
    const { nodes, calls, called, asked } = cluster({ timeout: 5 });
    asked(0);
    nodes.reject(new Error('no connection to the broker'));
    await called;
    expect(calls).toEqual([[new Error('operation has timed out'), []]]);
  });

  it('waits only for this node with the flag local, and 5 seconds without a timeout', async () => {
    const { nodes, calls, called, asked, answer, options } = cluster({ local: true });
    expect(options.flags.timeout).toBe(5_000);
    nodes.resolve(3);
    asked(1);
    answer(1);
    await called;
    expect(calls).toEqual([[null, [1]]]);
  });

  it.each([
    [[], null],
    [['a'], 'a'],
    [[undefined], null],
  ])('unwraps the responses %j of a single socket', async (answers, value) => {
    const { nodes, calls, called, asked, answer } = cluster({ expectSingleResponse: true });
    asked(answers.length);
    for (const one of answers) answer(one);
    nodes.resolve(1);
    await called;
    expect(calls).toEqual([[null, value]]);
  });
});

describe('pending requests of one connection', () => {
  const collect = () => {
    const calls: unknown[][] = [];
    return { calls, callback: (...call: unknown[]) => void calls.push(call) };
  };

  it('are settled once, by an id of the same value and type', () => {
    const requests = new PendingRequests();
    const { calls, callback } = collect();
    requests.add(1, callback);
    expect(requests.settle('1', 'x', false)).toBe(false);
    expect(requests.settle(2, 'x', false)).toBe(false);
    expect(requests.settle(1, 'right', false)).toBe(true);
    expect(requests.settle(1, 'again', false)).toBe(false);
    expect(calls).toEqual([[null, 'right']]);
  });

  it.each([
    [{ status: 'error', message: 'no' }, 'no'],
    ['no', 'no'],
    [null, 'the request failed'],
    [{ message: { toString: 1 } }, 'the request failed'],
    [undefined, 'the request failed'],
    [[1], 'the request failed'],
    [{ message: ['quantity must be positive', 7, 'no note'] }, 'quantity must be positive, no note'],
    [{ message: [] }, 'the request failed'],
  ])('reject an error response of %j with the message %j', (data, message) => {
    const requests = new PendingRequests();
    const { calls, callback } = collect();
    requests.add('x', callback);
    expect(requests.settle('x', data, true)).toBe(true);
    const [error] = calls[0]!;
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ name: 'RequestError', message, data });
  });

  it('time out, and all fail when the connection ends, including a request made in a callback', async () => {
    const requests = new PendingRequests();
    const { calls, callback } = collect();
    await new Promise<void>((resolve) => requests.add(1, (...call) => (callback(...call), resolve()), 1));
    expect(requests.settle(1, 'late', false)).toBe(false);
    requests.add(2, () => requests.add(4, callback, 60_000));
    requests.add(3, callback, 60_000);
    requests.failAll(new Error('gone'));
    requests.failAll(new Error('gone again'));
    requests.failAll(new Error('never'));
    expect(calls).toEqual([
      [new Error('operation has timed out')],
      [new Error('gone')],
      [new Error('gone again')],
    ]);
  });
});
