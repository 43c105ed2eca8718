import { user } from '../../lib/index.js';
import { until } from '../support/wait.js';
import type { Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

/** The sessions of clients whose permissions have changed. @param start like for `recoveryCases` */
export function recoveryRightsCases(start: () => Promise<Node[]>): void {
  let here: Node;
  let there: Node;
  beforeEach(async () => {
    const nodes = await start();
    here = nodes[0]!;
    there = nodes.at(-1)!;
  });

  it('restores data of handlers, and takes data of guards from the new connection', async () => {
    for (const [first, second, data] of [
      ['admin', 'user', { role: 'user', score: 7 }],
      ['admin', undefined, { score: 7 }],
      [undefined, 'user', { role: 'user', score: 7 }],
    ]) {
      const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app, { role: first });
      Object.assign(here.socketOf(ada).data as object, { score: 7 });
      await ada.settled();
      await ada.cut();
      await here.lost(ada);
      await ada.connect(there.app, { role: second });
      expect(ada.hello.recovered).toBe(true);
      expect(there.socketOf(ada).data).toEqual(data);
    }
  });

  it('restores only the rooms that recovery.restore returns, and their events', async () => {
    there.restore = (_, { rooms }) => ({ rooms: rooms.filter((room) => room !== 'admins') });
    const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app);
    await here.socketOf(ada).join(['red', 'admins']);
    await ada.settled();
    await ada.cut();
    await here.lost(ada);
    for (const room of ['red', 'admins']) here.server.to(room).emit(room);
    here.server.to(['red', 'admins']).emit('both');
    here.server.to('red').except('admins').emit('red but admins');
    here.server.to(user('ada')).emit('ada');
    here.server.emit('all');
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    there.server.to('admins').emit('later');
    expect(await ada.settled()).toEqual(['red', 'both', 'ada', 'all']);
    expect(there.socketOf(ada).rooms.has('admins')).toBe(false);
  });

  it.each(['expires', 'is disconnected'])(
    'refuses a client that %s while its session is restored',
    async (end) => {
      const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app);
      const { id } = ada.hello;
      await ada.cut();
      await here.lost(ada);
      there.restore = async (client) => {
        if (end === 'expires') client.expiresAt = Date.now();
        else client.disconnect();
        await until('the end', () => client.closed !== undefined);
        return undefined;
      };
      await expect(ada.open(there.app)).rejects.toThrow(end === 'expires' ? '401' : '403');
      expect(there.server.sockets.size).toBe(0);
      there.restore = undefined;
      await ada.connect(there.app);
      expect(ada.hello).toMatchObject({ id, recovered: true });
    },
  );
}
