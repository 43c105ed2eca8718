import type { Bench } from './bench.js';
import type { Visit } from './scripted-server.js';

/** PROTOCOL.md, "Coming back". */
export function returning(bench: Bench): void {
  /** The line breaks; the client comes back. */
  const cut = async (visit: Visit): Promise<Visit> => {
    visit.ws.terminate();
    await bench.subject.told('closed');
    return bench.server.visit();
  };

  it('shows its session and the last offset that came, of whatever message', async () => {
    let visit = await bench.connect({ session: 's1' }, 'o1', { token: 't' });
    visit = await cut(visit);
    expect(visit.auth).toEqual({ token: 't', session: 's1', offset: 'o1' });
    visit.hello({ session: 's2', recovered: true });
    expect(await bench.subject.told('connected')).toMatchObject({ recovered: true, id: 'socket' });
    // it goes on from the one that it has
    visit = await cut(visit);
    expect(visit.auth).toEqual({ token: 't', session: 's2', offset: 'o1' });
    visit.hello({ session: 's3', recovered: true });
    visit.send({ event: 'said', data: 'missed', offset: 'o2' });
    expect(await bench.subject.told('event')).toMatchObject({ data: 'missed' });
    visit.send({ event: '$offset', offset: 'o3' });
    await visit.settled();
    visit = await cut(visit);
    expect(visit.auth).toEqual({ token: 't', session: 's3', offset: 'o3' });
    visit.hello({ session: 's4', recovered: true });
    bench.subject.do({ do: 'ask', key: 'a', event: 'sum' });
    visit.send({ ack: (await visit.next('sum')).id!, data: 1, offset: 'o4' });
    await bench.subject.told('answer', 'a');
    visit = await cut(visit);
    expect(visit.auth).toEqual({ token: 't', session: 's4', offset: 'o4' });
  });

  it('hears what was missed before anything else, and in order', async () => {
    const visit = await cut(await bench.connect({ session: 's1' }, 'o1'));
    visit.hello({ session: 's2', recovered: true });
    for (const data of ['one', 'two', 'three']) visit.send({ event: 'said', data, offset: `after ${data}` });
    for (const data of ['one', 'two', 'three'])
      expect(await bench.subject.told('event')).toEqual({ tell: 'event', event: 'said', data });
  });

  it('shows the same token again where no $session came', async () => {
    let visit = await cut(await bench.connect({ session: 's1' }, 'o1'));
    visit = await cut(visit);
    expect(visit.auth).toEqual({ session: 's1', offset: 'o1' });
  });

  it('begins anew where the server says so, and tells', async () => {
    let visit = await cut(await bench.connect({ session: 's1' }, 'o1'));
    visit.hello({ session: 'n1', id: 'another', recovered: false }, 'p1');
    expect(await bench.subject.told('connected')).toMatchObject({ recovered: false, id: 'another' });
    visit = await cut(visit);
    expect(visit.auth).toEqual({ session: 'n1', offset: 'p1' });
  });

  it('shows nothing where the server has no recovery', async () => {
    const visit = await cut(await bench.connect({}, undefined, { token: 't' }));
    expect(visit.auth).toEqual({ token: 't' });
  });

  it('forgets a token where the next server has none', async () => {
    let visit = await cut(await bench.connect({ session: 's1' }, 'o1'));
    visit.hello();
    await bench.subject.told('connected');
    visit = await cut(visit);
    expect(visit.auth?.['session']).toBeUndefined();
  });

  it('has no session any more after its goodbye', async () => {
    const visit = await bench.connect({ session: 's1' }, 'o1');
    bench.subject.do({ do: 'disconnect' });
    await visit.closed.take();
    await bench.subject.told('closed');
    const next = await bench.connect();
    expect(next.auth?.['session']).toBeUndefined();
  });

  it('asks nothing twice', async () => {
    let visit = await bench.connect({ session: 's1' }, 'o1');
    bench.subject.do({ do: 'ask', key: 'a', event: 'pay' });
    bench.subject.do({ do: 'stream', key: 's', event: 'ticks' });
    await visit.next('pay');
    await visit.next('ticks');
    visit = await cut(visit);
    await bench.subject.told('failed', 'a');
    await bench.subject.told('failed', 's');
    visit.hello({ session: 's2', recovered: true });
    await bench.subject.told('connected');
    await visit.settled();
    expect(visit.frames.all.filter(({ event }) => event === 'pay' || event === 'ticks')).toEqual([]);
  });
}
