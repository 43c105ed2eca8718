import { atLeast, differs, equal, isText, matches } from '../compare.js';
import type { Suite } from '../suite.js';
import type { ClientFixture } from './fixture.js';

const long = 'ü'.repeat(40_000);

/** Declares the checks of PROTOCOL.md, sections 2 to 9. */
export function declareMessageChecks({ it }: Suite, fixture: ClientFixture): void {
  it('connects, and offers its credentials as base64url without padding (3.6, 4.1)', async () => {
    const auth = { token: 'a?b>ü€𝄞', more: [1] };
    const connection = await fixture.connect({}, undefined, auth);
    equal(connection.auth, auth);
    // also offers a subprotocol that a server may select
    atLeast(connection.offered.length, 1, true);
    equal(connection.request.method, 'GET');
    equal(connection.request.url, '/path');
  });

  it('offers no session before it has one (15.3)', async () => {
    const connection = await fixture.connect();
    equal(Object.keys(connection.auth ?? {}), []);
  });

  it('sends events in order, with any value as data, and without undefined data (5.7, 6.1)', async () => {
    const connection = await fixture.connect();
    const values = [null, 0, '', false, [], { a: [null] }, 'ü€𝄞', long];
    fixture.client.do({ do: 'emit', event: 'nothing' });
    for (const data of values) fixture.client.do({ do: 'emit', event: 'value', data });
    equal(await connection.next('nothing'), { event: 'nothing' });
    for (const data of values) equal(await connection.next('value'), { event: 'value', data });
  });

  it('receives events in order, from text and binary messages, whole or in fragments with pings between (5.1, 2.7, 5.7)', async () => {
    const connection = await fixture.connect();
    const texts = ['one', 'zwei €𝄞', long, 'four'].map((data) => JSON.stringify({ event: 'said', data }));
    connection.send(texts[0]!);
    connection.ws.send(Buffer.from(texts[1]!), { binary: true });
    const bytes = Buffer.from(texts[2]!);
    // in the middle of a character
    connection.ws.send(bytes.subarray(0, 1_000), { binary: false, fin: false });
    connection.ws.ping('now');
    connection.ws.send(bytes.subarray(1_000, 1_001), { binary: false, fin: false });
    connection.ws.send(bytes.subarray(1_001), { binary: false, fin: true });
    connection.send(texts[3]!);
    for (const text of texts)
      equal(await fixture.client.reports.next('event'), { tell: 'event', ...JSON.parse(text) });
    equal(await connection.pongs.take(), 'now');
  });

  it('ignores unknown fields and $ events (5.2, 14.2)', async () => {
    const connection = await fixture.connect();
    connection.send({ event: '$new', data: 1 });
    connection.send({ event: '$offset', offset: 'x' });
    connection.send({ event: 'said', data: 1, color: 'red', meta: { key: 'k' }, more: true });
    equal(await fixture.client.reports.next('event'), { tell: 'event', event: 'said', data: 1 });
    await connection.settled();
    equal(fixture.client.reports.open, []);
  });

  it('ignores events with reserved names (14.2)', async () => {
    const connection = await fixture.connect();
    const names = ['connect', 'connection', 'connect_error', 'disconnect', 'disconnecting'];
    for (const event of [...names, 'newListener', 'removeListener']) connection.send({ event, data: 'x' });
    await connection.settled();
    equal(fixture.client.reports.open, []);
  });

  it('receives an exception without ack as an event (11.1)', async () => {
    const connection = await fixture.connect();
    const data = { status: 'error', code: 'unknown_event', message: 'what?' };
    connection.send({ event: 'exception', data });
    equal(await fixture.client.reports.next('event'), { tell: 'event', event: 'exception', data });
  });

  it('matches responses with its requests, in any order (8.2, 5.7)', async () => {
    const connection = await fixture.connect();
    for (const key of ['a', 'b', 'c', 'd', 'e']) fixture.client.do({ do: 'ask', key, event: key, data: key });
    const ids = new Map<string, string | number>();
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      const { id, ...rest } = await connection.next(key);
      equal(rest, { event: key, data: key });
      ids.set(key, id!);
    }
    equal(new Set(ids.values()).size, 5);
    const failure = { status: 'error', message: 'no' };
    connection.send({ event: 'd', ack: ids.get('d') });
    connection.send({ ack: ids.get('c'), data: null });
    connection.send({ event: 'exception', ack: ids.get('b'), data: failure });
    connection.send({ event: 'other', ack: ids.get('a'), data: [1], color: 'red' });
    connection.send({ event: 'exception', ack: ids.get('e'), data: 'own' });
    matches(await fixture.client.reports.next('answer', 'a'), { data: [1] });
    matches(await fixture.client.reports.next('failed', 'b'), { data: failure });
    matches(await fixture.client.reports.next('answer', 'c'), { data: null });
    equal(await fixture.client.reports.next('answer', 'd'), { tell: 'answer', key: 'd' });
    matches(await fixture.client.reports.next('failed', 'e'), { data: 'own' });
  });

  it('ignores responses with an unknown id, an id of another type, or a settled id (8.4, 5.3)', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'ask', key: 'a', event: 'sum' });
    const { id } = await connection.next('sum');
    for (const ack of ['invented', 7_000, typeof id === 'number' ? String(id) : `${id} `, true])
      connection.ws.send(JSON.stringify({ ack, data: 'wrong' }));
    connection.ws.send(JSON.stringify({ event: 'exception', ack: 'invented', data: 'wrong' }));
    connection.send({ ack: id!, data: 'right' });
    connection.ws.send(JSON.stringify({ ack: id, data: 'again' }));
    matches(await fixture.client.reports.next('answer', 'a'), { data: 'right' });
    await connection.settled();
    equal(fixture.client.reports.open, []);
  });

  it('answers each request once, with the same id (8.1, 8.3)', async () => {
    const connection = await fixture.connect();
    const ids = [7, '7', 0, -1, Number.MAX_SAFE_INTEGER, 'x'.repeat(64), '€'];
    for (const id of ids) connection.send({ event: 'question', data: { id }, id });
    for (const id of ids) {
      const { event, ...rest } = await connection.answerTo(id);
      differs(event, 'exception');
      equal(rest, { ack: id, data: { id } });
    }
    await connection.settled();
    equal(connection.frames.open, []);
  });

  it.each([['secret'], ['unknown event']])(
    'answers a failed request with an exception: %s (8.3, 11.1)',
    async (event) => {
      const connection = await fixture.connect();
      connection.send({ event, id: 'x' });
      matches(await connection.answerTo('x'), {
        event: 'exception',
        ack: 'x',
        data: { status: 'error', message: isText },
      });
    },
  );

  it('reads a stream to its end (9.1)', async () => {
    const connection = await fixture.connect();
    for (const key of ['without', 'with']) fixture.client.do({ do: 'stream', key, event: key, data: 2 });
    for (const key of ['without', 'with']) {
      const { id, ...rest } = await connection.next(key);
      equal(rest, { event: key, data: 2, stream: true });
      for (const data of [0, 1]) connection.send({ event: key, data, ack: id!, more: true });
      connection.send({ event: key, ack: id!, ...(key === 'with' && { data: 2 }) });
      for (const data of key === 'with' ? [0, 1, 2] : [0, 1])
        matches(await fixture.client.reports.next('value', key), { data });
      await fixture.client.reports.next('end', key);
    }
  });

  it('reports a failed stream (11.1)', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await connection.next('ticks');
    connection.send({ data: 0, ack: id!, more: true });
    connection.send({ event: 'exception', data: 'broken', ack: id! });
    matches(await fixture.client.reports.next('value', 's'), { data: 0 });
    matches(await fixture.client.reports.next('failed', 's'), { data: 'broken' });
  });

  it('ends a stream at a message whose "more" is not true (5.4)', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await connection.next('ticks');
    connection.ws.send(JSON.stringify({ data: 0, ack: id, more: 1 }));
    matches(await fixture.client.reports.next('value', 's'), { data: 0 });
    await fixture.client.reports.next('end', 's');
  });

  it('cancels a stream by its id (9.3)', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await connection.next('ticks');
    connection.send({ data: 0, ack: id!, more: true });
    await fixture.client.reports.next('value', 's');
    fixture.client.do({ do: 'cancel', key: 's' });
    equal(await connection.next('$cancel'), { event: '$cancel', data: id });
    connection.send({ ack: id! });
    await fixture.client.reports.next('end', 's');
  });
}
