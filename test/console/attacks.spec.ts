import { jest } from '@jest/globals';
import type { CanActivate } from '@nestjs/common';
import { deferred } from '../support/wait.js';
import { Admin, connectMember, startConsole } from './console-fixture.js';

const HTML = '<script>alert(1)</script>';
const BOMB = '(a+)+$'.repeat(20);

describe('attacks on the console', () => {
  it('find texts where they ask for patterns', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    await connectMember(app, { user: 'a'.repeat(100), rooms: 'a'.repeat(100) });
    for (const filter of [{ user: BOMB }, { room: BOMB }, { namespace: BOMB }])
      expect(await admin.ask('connections', { filter })).toMatchObject({ rows: [] });
    for (const filter of [{ user: 'a.*' }, { address: '.*' }, { id: '.' }, { room: '^a' }])
      expect(await admin.ask('connections', { filter })).toMatchObject({ rows: [] });
    expect(await admin.ask('rooms', { namespace: '/ws', prefix: BOMB })).toMatchObject({ rows: [] });
  });

  it('get no giant page, and no answer to what is malformed', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const { node } = await admin.ask('hello');
    const requests: [string, unknown][] = [
      ['connections', { limit: 101 }],
      ['connections', { limit: 1e9 }],
      ['connections', { limit: 0 }],
      ['connections', { limit: -1 }],
      ['connections', { limit: '100' }],
      ['connections', { limit: 1.5 }],
      ['connections', { cursor: 'x'.repeat(65) }],
      ['connections', { cursor: {} }],
      ['connections', { order: 'random' }],
      ['connections', { filter: 'all' }],
      ['connections', { filter: { kind: ['json'] } }],
      ['connections', { filter: { user: { $ne: null } } }],
      ['connections', { filter: { constructor: 'x' } }],
      ['connections', { all: true }],
      ['connections', []],
      ['rooms', {}],
      ['rooms', { namespace: '/ws', limit: 1_000 }],
      ['rooms', { namespace: '/ws', prefix: 'x'.repeat(1_001) }],
      ['details', {}],
      ['details', { node, id: 7 }],
      ['frames', { node, id: 'x', after: -1 }],
      ['frames', { node, id: 'x', after: 'x' }],
      ['join', { node, id: 'x', room: '' }],
    ];
    for (const [event, data] of requests)
      expect([event, data, await admin.refusal(event, data)]).toMatchObject([
        event,
        data,
        { code: 'invalid' },
      ]);
    for (const event of ['summary', 'act', 'roomSizes', 'refusalsOf', 'constructor', '__proto__', 'toString'])
      expect(await admin.refusal(event)).toMatchObject({ code: 'unknown_event' });
    // nothing of it was an error of the server
    expect(app.log.of('error')).toEqual([]);
    admin.client.send({ event: 'hello', data: 'x'.repeat(33_000), id: 1 });
    expect(await admin.client.ended()).toMatchObject({ code: 1009 });
  });

  it('are limited in their rate and in what they ask at the same time', async () => {
    const gate = deferred();
    const guard: CanActivate = {
      async canActivate(context) {
        if (context.switchToWs().getPattern() !== '$upgrade') await gate.promise;
        return true;
      },
    };
    const app = await startConsole({ guards: [guard] });
    const admin = await Admin.connect(app);
    const asked = Array.from({ length: 8 }, () => admin.ask('hello'));
    expect(await admin.refusal('hello')).toMatchObject({ code: 'busy' });
    gate.resolve();
    await Promise.all(asked);
    // its rate would allow 50 more in a second, in which a busy machine may stand still
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    try {
      const many = await Promise.all(Array.from({ length: 230 }, () => admin.client.ask('hello')));
      expect(many.some(({ data }) => (data as { code?: string }).code === 'rate_limited')).toBe(true);
    } finally {
      clock.mockRestore();
    }
  });

  it('show the names of users and rooms as the texts that they are, cut', async () => {
    const app = await startConsole();
    const admin = await Admin.connect(app);
    const { id } = await connectMember(app, { user: HTML, rooms: HTML });
    const { node } = await admin.ask('hello');
    const long = await connectMember(app, { user: 'x'.repeat(900) });
    const { rows } = await admin.ask('connections', {});
    expect(rows.find((row) => row.id === id)!.user).toBe(HTML);
    expect(rows.find((row) => row.id === long.id)!.user).toBe('x'.repeat(256));
    expect((await admin.ask('details', { node, id })).roomNames).toEqual([HTML]);
    const [room] = (await admin.ask('rooms', { namespace: '/ws' })).rows;
    expect(room).toEqual({ name: `$user:${HTML}`, size: 1 });
    const filtered = await admin.ask('connections', { filter: { user: HTML } });
    expect(filtered.rows).toHaveLength(1);
  });
});
