import { Ack, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RequestError, TimeoutError, type EnvelopeServer, type EnvelopeSocket } from '../../lib/index.js';
import type { DefaultEventsMap, Untyped } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import { until } from '../support/wait.js';
import { connectPair, startPair, received, startServers } from './fixture.js';
import { coded } from '../support/error-code.js';

type Answer = (...values: unknown[]) => void;

/** Waits for the next request of that event and answers it. @returns the data of the request */
async function answerNext(client: TestClient, event: string, answer: object): Promise<unknown> {
  const { id, data } = await client.next(event);
  expect(id).toBeDefined();
  client.send({ ...answer, ack: id! });
  return data;
}

describe('acknowledgements of client requests', () => {
  it('passes an answer function to the listener as its last argument', async () => {
    const { client, socket } = await startPair();
    socket.on('add', (n: number, answer: Answer) => answer(n + 1));
    expect(await client.ask('add', 1, 'a')).toEqual({ event: 'add', data: 2, ack: 'a' });
    expect(await client.ask('add', 41, 7)).toEqual({ event: 'add', data: 42, ack: 7 });
  });

  it('passes no answer function when the client sends no request id', async () => {
    const { client, socket } = await startPair();
    const values: unknown[][] = [];
    socket.on('add', (...args: unknown[]) => values.push(args));
    client.send({ event: 'add', data: 1 });
    await client.settled();
    expect(values).toEqual([[1]]);
  });

  it('allows a late answer and ignores a second one', async () => {
    const { client, socket } = await startPair();
    const answers: Answer[] = [];
    socket.on('ask', (answer: Answer) => answers.push(answer));
    client.send({ event: 'ask', id: 1 });
    client.send({ event: 'ask', id: 2 });
    await client.settled();
    expect(client.frames.filter(({ event }) => event === 'ask')).toEqual([]);
    answers[1]!('second');
    answers[0]!('first');
    answers[0]!('again');
    expect(await received(client, 'ask')).toEqual([
      { event: 'ask', data: 'second', ack: 2 },
      { event: 'ask', data: 'first', ack: 1 },
    ]);
  });

  it('gives a gateway the answer function through @Ack()', async () => {
    @WebSocketGateway()
    class AckGateway {
      @SubscribeMessage('add')
      add(@MessageBody() n: number, @Ack() ack: Answer): void {
        ack(n + 1);
      }
    }
    const client = await (await startApp({ providers: [AckGateway] })).connect();
    expect(await client.ask('add', 1, 'a')).toEqual({ event: 'add', data: 2, ack: 'a' });
  });

  it('supports every combination of events and answers with and without data', async () => {
    const { client, socket } = await startPair();
    const values: unknown[][] = [];
    const answerWith =
      (...answer: unknown[]) =>
      (...args: unknown[]): void => {
        values.push(args.slice(0, -1));
        (args.at(-1) as Answer)(...answer);
      };
    socket.on('nothing', answerWith());
    socket.on('null', answerWith(null));
    socket.on('one', answerWith({ a: [1] }));
    // Several arguments become an array, as for every outgoing event.
    socket.on('several', answerWith(1, '2', null));
    expect(await client.ask('nothing', undefined, 1)).toEqual({ event: 'nothing', ack: 1 });
    expect(await client.ask('nothing', { d: 1 }, 2)).toEqual({ event: 'nothing', ack: 2 });
    expect(await client.ask('null', null, 3)).toEqual({ event: 'null', data: null, ack: 3 });
    expect(await client.ask('one', [4], 4)).toEqual({ event: 'one', data: { a: [1] }, ack: 4 });
    expect(await client.ask('several', 5, 5)).toEqual({ event: 'several', data: [1, '2', null], ack: 5 });
    expect(values).toEqual([[], [{ d: 1 }], [null], [[4]], [5]]);
  });
});

describe('acknowledgements of server requests', () => {
  it('calls the callback of emit with the answer of the client', async () => {
    const { client, socket } = await startPair();
    const values: unknown[][] = [];
    const record = (...args: unknown[]): void => void values.push(args);
    socket.emit('data', { q: 1 }, record);
    socket.emit('no data', record);
    socket.emit('several', 1, 2, record);
    expect(await answerNext(client, 'data', { event: 'data', data: 'one' })).toEqual({ q: 1 });
    expect(await answerNext(client, 'no data', { data: null })).toBeUndefined();
    expect(await answerNext(client, 'several', {})).toEqual([1, 2]);
    await client.settled();
    expect(values).toEqual([['one'], [null], [undefined]]);
  });

  it('gives each callback the answer to its own request, in any order and only once', async () => {
    const { client, server, socket } = await startPair();
    const values: unknown[] = [];
    for (const n of [1, 2, 3]) socket.emit('question', n, (answer: unknown) => values.push([n, answer]));
    const questions = await received(client, 'question');
    for (const { id, data } of questions.reverse()) client.send({ ack: id!, data: `to ${data}` });
    for (const { id } of questions) client.send({ ack: id!, data: 'again' });
    client.send({ ack: 'unknown id', data: 1 });
    await client.settled();
    expect(values).toEqual([
      [3, 'to 3'],
      [2, 'to 2'],
      [1, 'to 1'],
    ]);
    expect(server.counters.ignoredAnswers).toBe(4);
    expect(await received(client, 'exception')).toEqual([]);
  });

  it('ignores an answer from a client that did not receive the request', async () => {
    const { app, servers } = await startServers([{}]);
    const [ada, eve] = [await connectPair(app, servers[0]!), await connectPair(app, servers[0]!)];
    const answer = ada.socket.emitWithAck('question');
    const { id } = await ada.client.next('question');
    eve.client.send({ ack: id!, data: 'forged' });
    await eve.client.settled();
    ada.client.send({ ack: id!, data: 'true' });
    expect(await answer).toBe('true');
  });

  it('resolves emitWithAck with the answer', async () => {
    const { client, socket } = await startPair();
    const answers = [
      socket.emitWithAck('one', 1),
      socket.emitWithAck('none'),
      socket.emitWithAck('two', 1, 2),
    ];
    expect(await answerNext(client, 'one', { data: { ok: true } })).toBe(1);
    expect(await answerNext(client, 'none', {})).toBeUndefined();
    expect(await answerNext(client, 'two', { data: [3] })).toEqual([1, 2]);
    expect(await Promise.all(answers)).toEqual([{ ok: true }, undefined, [3]]);
  });

  it('rejects emitWithAck when the client answers with an exception', async () => {
    const { client, socket } = await startPair();
    const answer = socket.emitWithAck('question').catch((error: unknown) => error);
    const data = { status: 'error', message: 'I cannot', code: 7 };
    await answerNext(client, 'question', { event: 'exception', data });
    const error = await answer;
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ code: 'ERR_ENVELOPE_REQUEST_FAILED' });
    expect(error).toMatchObject({ message: 'I cannot', data });
  });

  it('rejects emitWithAck when the client disconnects and when it is already disconnected', async () => {
    const { client, socket } = await startPair();
    const answer = socket.emitWithAck('question').catch((error: Error) => error.message);
    await client.next('question');
    client.close();
    expect(await answer).toBe('the socket has been disconnected');
    await expect(socket.emitWithAck('question')).rejects.toThrow(
      coded('ERR_ENVELOPE_DISCONNECTED', 'the socket has been disconnected'),
    );
  });

  it('calls back with an error after timeout(ms) and ignores a late answer', async () => {
    const { client, server, socket } = await startPair();
    const calls: unknown[][] = [];
    const call = new Promise<void>((resolve) => {
      socket.timeout(20).emit('question', 1, (...args: unknown[]) => {
        calls.push(args);
        resolve();
      });
    });
    await call;
    const message = 'operation has timed out';
    expect(calls).toEqual([[expect.objectContaining({ message }), undefined]]);
    expect(calls[0]![0]).toBeInstanceOf(TimeoutError);

    expect(await answerNext(client, 'question', { data: 'late' })).toBe(1);
    await client.settled();
    expect(calls).toHaveLength(1);
    expect(server.counters.ignoredAnswers).toBe(1);
    expect(await received(client, 'exception')).toEqual([]);
  });

  it('calls back with null and the value when the answer arrives within timeout(ms)', async () => {
    const { client, socket } = await startPair();
    const call = new Promise<unknown[]>((resolve) => {
      socket.timeout(5_000).emit('question', (...args: unknown[]) => resolve(args));
    });
    await answerNext(client, 'question', { data: { n: 1 } });
    expect(await call).toEqual([null, { n: 1 }]);
  });

  it('rejects or resolves timeout(ms).emitWithAck in the same cases', async () => {
    const { client, server, socket } = await startPair();
    await expect(socket.timeout(20).emitWithAck('question', 1)).rejects.toThrow(
      coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'),
    );
    await answerNext(client, 'question', { data: 'late' });
    await client.settled();
    expect(server.counters.ignoredAnswers).toBe(1);

    const answer = socket.timeout(5_000).emitWithAck('question', 2);
    expect(await answerNext(client, 'question', { data: 'in time' })).toBe(2);
    expect(await answer).toBe('in time');
  });

  it('stops the timer after an answer, after an exception and after a disconnect', async () => {
    const { app, client, server, socket } = await startPair();
    const calls: unknown[] = [];
    const ask = (event: string): unknown =>
      socket.timeout(60_000).emit(event, (error: Error | null) => calls.push([event, error?.message]));
    ask('answered');
    ask('failed');
    ask('open');
    await answerNext(client, 'answered', { data: 1 });
    await answerNext(client, 'failed', { event: 'exception', data: { message: 'no' } });
    await client.settled();
    client.close();
    await until('the client has disconnected', () => server.sockets.size === 0);
    expect(calls).toEqual([
      ['answered', undefined],
      ['failed', 'no'],
      ['open', 'the socket has been disconnected'],
    ]);
    expect(app.log.of('error')).toEqual([]);
  });
});

/** The two ways to type an answer in a map of events, as in Socket.IO: the value alone, or an error before it. */
interface ToClient {
  bare: (n: number, answer: (sum: number) => void) => void;
  withError: (n: number, answer: (error: Error, sum: number) => void) => void;
}

interface Misleading {
  message: (answer: (value: { message: string }) => void) => void;
  untyped: (answer: (value: Untyped) => void) => void;
}

describe('typed acknowledgements', () => {
  it('types the timeout callback as (error, value) for both ways to declare the answer', async () => {
    const { client, socket } = await startPair();
    const typed: EnvelopeSocket<DefaultEventsMap, ToClient> = socket;
    // Compiles only if `sum` is a number: tsc checks this half of the test.
    const sums: (number | Error)[] = [];
    typed.timeout(5_000).emit('bare', 1, (error: Error, sum: number) => sums.push(error ?? sum));
    typed.timeout(5_000).emit('withError', 2, (error, sum) => sums.push(error ?? sum.toFixed().length));
    const answer: Promise<number> = typed.timeout(5_000).emitWithAck('bare', 3);
    const other: Promise<number> = typed.timeout(5_000).emitWithAck('withError', 4);
    await answerNext(client, 'bare', { data: 10 });
    await answerNext(client, 'withError', { data: 200 });
    await answerNext(client, 'bare', { data: 30 });
    await answerNext(client, 'withError', { data: 40 });
    expect(await answer).toBe(30);
    expect(await other).toBe(40);
    expect(sums).toEqual([10, 3]);
    // @ts-expect-error: the answer is a number
    const wrong: Promise<string> = typed.timeout(20).emitWithAck('bare', 5);
    await expect(wrong).rejects.toThrow(coded('ERR_ENVELOPE_TIMEOUT', 'operation has timed out'));
  });

  it('types the value of a server emit as a list of answers, with and without a timeout', async () => {
    const { client, server } = await startPair();
    const typed: EnvelopeServer<DefaultEventsMap, ToClient> = server;
    const lists: (number[] | Error)[] = [];
    typed.timeout(5_000).emit('bare', 1, (error: Error, sums: number[]) => lists.push(error ?? sums));
    typed
      .timeout(5_000)
      .emit('withError', 2, (error, sums) => lists.push(error ?? sums.map((sum) => sum + 1)));
    typed.emit('bare', 3, (error: Error, sums: number[]) => lists.push(error ?? sums));
    const answers: Promise<number[]> = typed.timeout(5_000).emitWithAck('withError', 4);
    const others: Promise<number[]> = typed.except('unknown').emitWithAck('bare', 5);
    await answerNext(client, 'bare', { data: 10 });
    await answerNext(client, 'withError', { data: 20 });
    await answerNext(client, 'bare', { data: 30 });
    await answerNext(client, 'withError', { data: 40 });
    await answerNext(client, 'bare', { data: 50 });
    expect(await answers).toEqual([40]);
    expect(await others).toEqual([50]);
    expect(lists).toEqual([[10], [21], [30]]);
  });

  it('types the value of serverSideEmit as the list of answers of the other nodes', async () => {
    const { server } = await startPair();
    const typed: EnvelopeServer<DefaultEventsMap, DefaultEventsMap, ToClient> = server;
    const lists: (number[] | Error)[] = [];
    typed.serverSideEmit('bare', 1, (error: Error, sums: number[]) => lists.push(error ?? sums));
    typed.serverSideEmit('withError', 1, (error, sums) => lists.push(error ?? sums.map((sum) => sum + 1)));
    const answers: Promise<number[]> = typed.serverSideEmitWithAck('withError', 2);
    // The server is the only node.
    expect(await answers).toEqual([]);
    expect(lists).toEqual([[], []]);
  });

  it('does not take an answer for the error when its type resembles an error or is untyped', async () => {
    const { client, socket } = await startPair();
    const typed: EnvelopeSocket<DefaultEventsMap, Misleading> = socket;
    const message: Promise<{ message: string }> = typed.emitWithAck('message');
    const values: unknown[] = [];
    typed.timeout(5_000).emit('untyped', (_error: Error, value) => values.push(value.length));
    await answerNext(client, 'message', { data: { message: 'hello' } });
    await answerNext(client, 'untyped', { data: 'four' });
    expect((await message).message.length).toBe(5);
    await client.settled();
    expect(values).toEqual([4]);
  });
});
