import type { FrameView } from '../../lib/explorer/admin/views.js';
import type { TestApp } from '../support/app.js';
import { until } from '../support/wait.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';

async function watch(app: TestApp) {
  const admin = await Admin.connect(app);
  const { node } = await admin.ask('hello');
  const member = await connectMember(app);
  const address = { node, id: member.id };
  const first = await admin.ask('frames', address);
  return { admin, address, first, ...member };
}

const shown = ({ direction, event, request, isAnswer }: FrameView): string =>
  [direction, event, request !== undefined && `${isAnswer === true ? 'ack' : 'id'} ${request}`]
    .filter(Boolean)
    .join(' ');

describe('live frames of one connection', () => {
  it('show direction, event, request and size, and no payload', async () => {
    const app = await startConsole();
    const { admin, address, client, first } = await watch(app);
    expect(first).toEqual({ frames: [], next: 0, total: 0, skipped: 0, ended: false, payloads: false });
    await client.ask('say', 'secret', 7);
    const page = await admin.ask('frames', { ...address, after: first.next });
    expect(page.frames.map(shown)).toEqual(['in say id 7', 'out heard', 'out said', 'out say ack 7']);
    expect(page).toMatchObject({ next: 4, total: 4, skipped: 0, ended: false });
    expect(page.frames[0]).toEqual({
      number: 1,
      at: expect.any(Number) as number,
      direction: 'in',
      bytes: Buffer.byteLength('{"event":"say","data":"secret","id":7}'),
      isBinary: false,
      event: 'say',
      request: '7',
      isAnswer: false,
    });
    expect(JSON.stringify(page)).not.toContain('secret');
    await client.ask('say', 'again', 8);
    const next = await admin.ask('frames', { ...address, after: page.next });
    expect(next.frames.map(({ number }) => number)).toEqual([5, 6, 7, 8]);
  });

  it('show payloads only where the option allows it, cut, and never credentials', async () => {
    const app = await startConsole({ payloads: true });
    const { admin, address, client } = await watch(app);
    expect(await admin.ask('hello')).toMatchObject({ payloads: true });
    await client.ask('say', '<b>hi</b>', 1);
    await client.ask('say', 'x'.repeat(5_000), 2);
    client.send({ event: '$auth', data: { token: 'secret' } });
    client.send('{"event":"$auth","data":{"token":"secret"');
    await client.settled();
    const { frames } = await admin.ask('frames', address);
    expect(frames[0]!.payload).toBe('{"event":"say","data":"<b>hi</b>","id":1}');
    expect(Math.max(...frames.map(({ payload = '' }) => payload.length))).toBe(2_000);
    expect(frames.filter(({ event }) => event === '$auth')).toHaveLength(1);
    expect(JSON.stringify(frames)).not.toContain('secret');
  });

  it('are sampled when there are many', async () => {
    const app = await startConsole();
    const { admin, address, client } = await watch(app);
    for (let index = 0; index < 200; index++) client.send({ event: 'say', data: index });
    await client.settled();
    const page = await admin.ask('frames', address);
    // each message is answered with three
    expect(page.total).toBeGreaterThanOrEqual(800);
    expect(page.frames.length).toBeLessThanOrEqual(100);
    expect(page.skipped).toBeGreaterThan(600);
    expect(JSON.stringify(page).length).toBeLessThan(20_000);
  });

  it('end with the connection, and are recorded for one connection only', async () => {
    const app = await startConsole();
    const { admin, address, client } = await watch(app);
    const other = await connectMember(app);
    await other.client.ask('rooms');
    expect((await admin.ask('frames', address)).frames).toEqual([]);
    client.close();
    await until('the end', async () => (await admin.ask('frames', address)).ended);
    expect(await admin.refusal('frames', { ...address, id: 'gone' })).toMatchObject({ code: 'not_found' });
  });
});
