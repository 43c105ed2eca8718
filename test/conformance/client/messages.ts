import type { Bench } from './bench.js';

const long = 'ü'.repeat(40_000);

/** PROTOCOL.md, "Opening a line", "The envelope", "Events" and "Requests and answers". */
export function talking(bench: Bench): void {
  it('opens a line, and offers its credentials as base64url without padding', async () => {
    const auth = { token: 'a?b>ü€𝄞', more: [1] };
    const visit = await bench.connect({}, undefined, auth);
    expect(visit.auth).toEqual(auth);
    // beside it something that a server may select
    expect(visit.offered.length).toBeGreaterThan(1);
    expect(visit.request.method).toBe('GET');
    expect(visit.request.url).toBe('/path');
  });

  it('offers no session before it has one', async () => {
    const visit = await bench.connect();
    expect(Object.keys(visit.auth ?? {})).toEqual([]);
  });

  it('sends events in order, without data where there is none, and with any value', async () => {
    const visit = await bench.connect();
    const values = [null, 0, '', false, [], { a: [null] }, 'ü€𝄞', long];
    bench.subject.do({ do: 'emit', event: 'nothing' });
    for (const data of values) bench.subject.do({ do: 'emit', event: 'value', data });
    expect(await visit.next('nothing')).toEqual({ event: 'nothing' });
    for (const data of values) expect(await visit.next('value')).toEqual({ event: 'value', data });
  });

  it('takes events in order, from text and binary messages, whole or in pieces, with pings between', async () => {
    const visit = await bench.connect();
    const texts = ['one', 'zwei €𝄞', long, 'four'].map((data) => JSON.stringify({ event: 'said', data }));
    visit.send(texts[0]!);
    visit.ws.send(Buffer.from(texts[1]!), { binary: true });
    const bytes = Buffer.from(texts[2]!);
    // in the middle of a character
    visit.ws.send(bytes.subarray(0, 1_000), { binary: false, fin: false });
    visit.ws.ping('now');
    visit.ws.send(bytes.subarray(1_000, 1_001), { binary: false, fin: false });
    visit.ws.send(bytes.subarray(1_001), { binary: false, fin: true });
    visit.send(texts[3]!);
    for (const text of texts)
      expect(await bench.subject.told('event')).toEqual({ tell: 'event', ...JSON.parse(text) });
    expect(await visit.pongs.take()).toBe('now');
  });

  it('ignores fields that it does not know, and $ events', async () => {
    const visit = await bench.connect();
    visit.send({ event: '$new', data: 1 });
    visit.send({ event: '$offset', offset: 'x' });
    visit.send({ event: 'said', data: 1, color: 'red', meta: { key: 'k' }, more: true });
    expect(await bench.subject.told('event')).toEqual({ tell: 'event', event: 'said', data: 1 });
    await visit.settled();
    expect(bench.subject.reports.open).toEqual([]);
  });

  it('ignores events with reserved names', async () => {
    const visit = await bench.connect();
    const names = ['connect', 'connection', 'connect_error', 'disconnect', 'disconnecting'];
    for (const event of [...names, 'newListener', 'removeListener']) visit.send({ event, data: 'x' });
    await visit.settled();
    expect(bench.subject.reports.open).toEqual([]);
  });

  it('hears of an exception that answers nothing as of an event', async () => {
    const visit = await bench.connect();
    const data = { status: 'error', code: 'unknown_event', message: 'what?' };
    visit.send({ event: 'exception', data });
    expect(await bench.subject.told('event')).toEqual({ tell: 'event', event: 'exception', data });
  });

  it('matches answers with its requests, in whatever order they come', async () => {
    const visit = await bench.connect();
    for (const key of ['a', 'b', 'c', 'd', 'e']) bench.subject.do({ do: 'ask', key, event: key, data: key });
    const ids = new Map<string, string | number>();
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      const { id, ...rest } = await visit.next(key);
      expect(rest).toEqual({ event: key, data: key });
      ids.set(key, id!);
    }
    expect(new Set(ids.values()).size).toBe(5);
    const failure = { status: 'error', message: 'no' };
    visit.send({ event: 'd', ack: ids.get('d') });
    visit.send({ ack: ids.get('c'), data: null });
    visit.send({ event: 'exception', ack: ids.get('b'), data: failure });
    visit.send({ event: 'other', ack: ids.get('a'), data: [1], color: 'red' });
    visit.send({ event: 'exception', ack: ids.get('e'), data: 'own' });
    expect(await bench.subject.told('answer', 'a')).toMatchObject({ data: [1] });
    expect(await bench.subject.told('failed', 'b')).toMatchObject({ data: failure });
    expect(await bench.subject.told('answer', 'c')).toMatchObject({ data: null });
    expect(await bench.subject.told('answer', 'd')).toEqual({ tell: 'answer', key: 'd' });
    expect(await bench.subject.told('failed', 'e')).toMatchObject({ data: 'own' });
  });

  it('ignores answers that nobody waits for: invented, of another type, repeated', async () => {
    const visit = await bench.connect();
    bench.subject.do({ do: 'ask', key: 'a', event: 'sum' });
    const { id } = await visit.next('sum');
    for (const ack of ['invented', 7_000, typeof id === 'number' ? String(id) : `${id} `, true])
      visit.ws.send(JSON.stringify({ ack, data: 'wrong' }));
    visit.ws.send(JSON.stringify({ event: 'exception', ack: 'invented', data: 'wrong' }));
    visit.send({ ack: id!, data: 'right' });
    visit.ws.send(JSON.stringify({ ack: id, data: 'again' }));
    expect(await bench.subject.told('answer', 'a')).toMatchObject({ data: 'right' });
    await visit.settled();
    expect(bench.subject.reports.open).toEqual([]);
  });

  it('answers requests under the very id, once', async () => {
    const visit = await bench.connect();
    const ids = [7, '7', 0, -1, Number.MAX_SAFE_INTEGER, 'x'.repeat(64), '€'];
    for (const id of ids) visit.send({ event: 'question', data: { id }, id });
    for (const id of ids) {
      const { event, ...rest } = await visit.answerTo(id);
      expect(event).not.toBe('exception');
      expect(rest).toEqual({ ack: id, data: { id } });
    }
    await visit.settled();
    expect(visit.frames.open).toEqual([]);
  });

  it.each(['secret', 'what nobody takes'])(
    'answers a request that fails with an exception: %s',
    async (event) => {
      const visit = await bench.connect();
      visit.send({ event, id: 'x' });
      expect(await visit.answerTo('x')).toMatchObject({
        event: 'exception',
        ack: 'x',
        data: { status: 'error', message: expect.any(String) },
      });
    },
  );

  it('reads a stream to its end', async () => {
    const visit = await bench.connect();
    for (const key of ['without', 'with']) bench.subject.do({ do: 'stream', key, event: key, data: 2 });
    for (const key of ['without', 'with']) {
      const { id, ...rest } = await visit.next(key);
      expect(rest).toEqual({ event: key, data: 2, stream: true });
      for (const data of [0, 1]) visit.send({ event: key, data, ack: id!, more: true });
      visit.send({ event: key, ack: id!, ...(key === 'with' && { data: 2 }) });
      for (const data of key === 'with' ? [0, 1, 2] : [0, 1])
        expect(await bench.subject.told('value', key)).toMatchObject({ data });
      await bench.subject.told('end', key);
    }
  });

  it('reads a stream that fails', async () => {
    const visit = await bench.connect();
    bench.subject.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await visit.next('ticks');
    visit.send({ data: 0, ack: id!, more: true });
    visit.send({ event: 'exception', data: 'broken', ack: id! });
    expect(await bench.subject.told('value', 's')).toMatchObject({ data: 0 });
    expect(await bench.subject.told('failed', 's')).toMatchObject({ data: 'broken' });
  });

  it('ends a stream by its id', async () => {
    const visit = await bench.connect();
    bench.subject.do({ do: 'stream', key: 's', event: 'ticks' });
    const { id } = await visit.next('ticks');
    visit.send({ data: 0, ack: id!, more: true });
    await bench.subject.told('value', 's');
    bench.subject.do({ do: 'cancel', key: 's' });
    expect(await visit.next('$cancel')).toEqual({ event: '$cancel', data: id });
    visit.send({ ack: id! });
    await bench.subject.told('end', 's');
  });
}
