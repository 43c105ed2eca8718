import type { ClientFixture } from './fixture.js';

const long = 'ü'.repeat(40_000);

/** Declares the checks of PROTOCOL.md, sections 2 to 9. */
export function declareMessageChecks(fixture: ClientFixture): void {
  it('connects, and offers its credentials as base64url without padding', async () => {
    const auth = { token: 'a?b>ü€𝄞', more: [1] };
    const connection = await fixture.connect({}, undefined, auth);
    expect(connection.auth).toEqual(auth);
    // also offers a subprotocol that a server may select
    expect(connection.offered.length).toBeGreaterThan(1);
    expect(connection.request.method).toBe('GET');
    expect(connection.request.url).toBe('/path');
  });

  it('offers no session before it has one', async () => {
    const connection = await fixture.connect();
    expect(Object.keys(connection.auth ?? {})).toEqual([]);
  });

  it('sends events in order, with any value as data, and without undefined data', async () => {
    const connection = await fixture.connect();
    const values = [null, 0, '', false, [], { a: [null] }, 'ü€𝄞', long];
    fixture.client.do({ do: 'emit', event: 'nothing' });
    for (const data of values) fixture.client.do({ do: 'emit', event: 'value', data });
    expect(await connection.next('nothing')).toEqual({ event: 'nothing' });
    for (const data of values) expect(await connection.next('value')).toEqual({ event: 'value', data });
  });

  it('receives events in order, from text and binary messages, whole or in fragments with pings between', async () => {
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
      expect(await fixture.client.reported('event')).toEqual({ tell: 'event', ...JSON.parse(text) });
    expect(await connection.pongs.take()).toBe('now');
  });

  it('ignores unknown fields and $ events', async () => {
    const connection = await fixture.connect();
    connection.send({ event: '$new', data: 1 });
    connection.send({ event: '$offset', offset: 'x' });
    connection.send({ event: 'said', data: 1, color: 'red', meta: { key: 'k' }, more: true });
    expect(await fixture.client.reported('event')).toEqual({ tell: 'event', event: 'said', data: 1 });
    await connection.settled();
    expect(fixture.client.reports.open).toEqual([]);
  });

  it('ignores events with reserved names', async () => {
    const connection = await fixture.connect();
    const names = ['connect', 'connection', 'connect_error', 'disconnect', 'disconnecting'];
    for (const event of [...names, 'newListener', 'removeListener']) connection.send({ event, data: 'x' });
    await connection.settled();
    expect(fixture.client.reports.open).toEqual([]);
  });

  it('receives an exception without ack as an event', async () => {
    const connection = await fixture.connect();
    const data = { status: 'error', code: 'unknown_event', message: 'what?' };
    connection.send({ event: 'exception', data });
    expect(await fixture.client.reported('event')).toEqual({ tell: 'event', event: 'exception', data });
  });

  it('matches responses with its requests, in any order', async () => {
    const connection = await fixture.connect();
    for (const key of ['a', 'b', 'c', 'd', 'e']) fixture.client.do({ do: 'ask', key, event: key, data: key });
    const ids = new Map<string, string | number>();
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      const { id, ...rest } = await connection.next(key);
      expect(rest).toEqual({ event: key, data: key });
      ids.set(key, id!);
    }
    expect(new Set(ids.values()).size).toBe(5);
    const failure = { status: 'error', message: 'no' };
    connection.send({ event: 'd', ack: ids.get('d') });
    connection.send({ ack: ids.get('c'), data: null });
    connection.send({ event: 'exception', ack: ids.get('b'), data: failure });
    connection.send({ event: 'other', ack: ids.get('a'), data: [1], color: 'red' });
    connection.send({ event: 'exception', ack: ids.get('e'), data: 'own' });
    expect(await fixture.client.reported('answer', 'a')).toMatchObject({ data: [1] });
    expect(await fixture.client.reported('failed', 'b')).toMatchObject({ data: failure });
    expect(await fixture.client.reported('answer', 'c')).toMatchObject({ data: null });
    expect(await fixture.client.reported('answer', 'd')).toEqual({ tell: 'answer', key: 'd' });
    expect(await fixture.client.reported('failed', 'e')).toMatchObject({ data: 'own' });
  });

  it('ignores responses with an unknown id, an id of another type, or a settled id', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'ask', key: 'a', event: 'sum' });
    const { id } = await connection.next('sum');
    for (const ack of ['invented', 7_000, typeof id === 'number' ? String(id) : `${id} `, true])
      connection.ws.send(JSON.stringify({ ack, data: 'wrong' }));
    connection.ws.send(JSON.stringify({ event: 'exception', ack: 'invented', data: 'wrong' }));
    connection.send({ ack: id!, data: 'right' });
    connection.ws.send(JSON.stringify({ ack: id, data: 'again' }));
    expect(await fixture.client.reported('answer', 'a')).toMatchObject({ data: 'right' });
    await connection.settled();
    expect(fixture.client.reports.open).toEqual([]);
  });

  it('answers each request once, with the same id', async () => {
    const connection = await fixture.connect();
    const ids = [7, '7', 0, -1, Number.MAX_SAFE_INTEGER, 'x'.repeat(64), '€'];
    for (const id of ids) connection.send({ event: 'question', data: { id }, id });
    for (const id of ids) {
      const { event, ...rest } = await connection.answerTo(id);
      expect(event).not.toBe('exception');
      expect(rest).toEqual({ ack: id, data: { id } });
    }
    await connection.settled();
    expect(connection.frames.open).toEqual([]);
  });

  it.each(['secret', 'unknown event'])('answers a failed request with an exception: %s', async (event) => {
    const connection = await fixture.connect();
    connection.send({ event, id: 'x' });
    expect(await connection.answerTo('x')).toMatchObject({
      event: 'exception',
      ack: 'x',
      data: { status: 'error', message: expect.any(String) },
    });
  });

  it('reads a stream to its end', async () => {
    const connection = await fixture.connect();
    for (const key of ['without', 'with']) fixture.client.do({ do: 'stream', key, event: key, data: 2 });
    for (const key of ['without', 'with']) {
      const { id, ...rest } = await connection.next(key);
      expect(rest).toEqual({ event: key, data: 2, stream: true });
      for (const data of [0, 1]) connection.send({ event: key, data, ack: id!, more: true });
      connection.send({ event: key, ack: id!, ...(key === 'with' && { data: 2 }) });
      for (const data of key === 'with' ? [0, 1, 2] : [0, 1])
        expect(await fixture.client.reported('value', key)).toMatchObject({ data });
      await fixture.client.reported('end', key);
    }
  });

  it('reports a failed stream', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await connection.next('ticks');
    connection.send({ data: 0, ack: id!, more: true });
    connection.send({ event: 'exception', data: 'broken', ack: id! });
    expect(await fixture.client.reported('value', 's')).toMatchObject({ data: 0 });
    expect(await fixture.client.reported('failed', 's')).toMatchObject({ data: 'broken' });
  });

  it('cancels a stream by its id', async () => {
    const connection = await fixture.connect();
    fixture.client.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await connection.next('ticks');
    connection.send({ data: 0, ack: id!, more: true });
    await fixture.client.reported('value', 's');
    fixture.client.do({ do: 'cancel', key: 's' });
    expect(await connection.next('$cancel')).toEqual({ event: '$cancel', data: id });
    connection.send({ ack: id! });
    await fixture.client.reported('end', 's');
  });
}
