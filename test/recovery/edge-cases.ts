import { until } from '../support/wait.js';
import type { Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

/** The sessions of dishonest clients, and of clients that reconnect at a bad moment. @param start like for `recoveryCases` */
export function recoveryEdgeCases(start: () => Promise<Node[]>): void {
  let here: Node;
  let there: Node;
  beforeEach(async () => {
    const nodes = await start();
    here = nodes[0]!;
    there = nodes.at(-1)!;
  });

  /** Makes the connection middlewares of the node wait for `release`. */
  function holdMiddlewares(node: Node): { waiting: number; release: () => void } {
    const gate = { waiting: 0, release: (): void => undefined };
    const opened = new Promise<void>((resolve) => (gate.release = resolve));
    node.server.use((_, next) => {
      gate.waiting++;
      void opened.then(() => next());
    });
    return gate;
  }

  it('sends no events of a room from before the client joined, with any offset', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const bob = await new RecoveringClient().connect(here.app);
    const earlyOffset = ada.offset;
    await here.socketOf(bob).join('red');
    here.server.to('red').emit('secret');
    await bob.client.next('secret');
    await here.socketOf(ada).join('red');
    await ada.settled();
    await ada.cut();
    await here.lost(ada);
    here.server.to('red').emit('after');
    ada.offset = earlyOffset;
    await ada.connect(there.app);
    expect(await ada.settled()).not.toContain('secret');
  });

  it('sends no events from before the client connected', async () => {
    const bob = await new RecoveringClient().connect(here.app);
    const earlyOffset = bob.offset;
    here.server.emit('before');
    await bob.client.next('before');
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    ada.offset = earlyOffset;
    await ada.connect(there.app);
    expect(await ada.settled()).toEqual([]);
  });

  it.each(['disconnected', 'removed from a room'])(
    'restores nothing for a client that is %s while it reconnects',
    async (change) => {
      const ada = await new RecoveringClient({ user: 'ada' }).connect(here.app);
      await here.socketOf(ada).join('red');
      await ada.settled();
      await ada.cut();
      await here.lost(ada);
      const eve = await new RecoveringClient().connect(there.app);
      const gate = holdMiddlewares(there);
      await ada.open(there.app);
      await until('the middleware', () => gate.waiting > 0);
      if (change === 'disconnected') there.server.disconnectUser('ada');
      else there.server.in(ada.hello.id).socketsLeave('red');
      // The disconnect is in the log. The leave is still on its way to the log.
      if (change === 'disconnected') {
        there.server.emit('end');
        await eve.client.next('end');
      }
      gate.release();
      expect((await ada.client.ended()).code).toBe(1011);
      expect(ada.client.frames).toEqual([]);
      there.server.to('red').emit('secret');
      await eve.settled();
      expect(await there.server.in('red').fetchSockets()).toHaveLength(0);
      expect(ada.collect()).not.toContain('secret');
      await ada.connect(here.app);
      expect(ada.hello.recovered).toBe(false);
    },
  );

  it('keeps a session whose connection breaks again before it is accepted', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const { id } = ada.hello;
    await ada.cut();
    await here.lost(ada);
    here.server.emit('missed');
    const gate = holdMiddlewares(there);
    await ada.open(there.app);
    await until('the middleware', () => gate.waiting > 0);
    await ada.cut();
    expect(ada.client.frames).toEqual([]);
    await until('the disconnect', () => there.server._connecting.size === 0);
    gate.release();
    await ada.connect(here.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect(await ada.settled()).toEqual(['missed']);
  });

  it('keeps a session that a middleware refused once', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const { id } = ada.hello;
    await ada.cut();
    await here.lost(ada);
    here.server.emit('missed');
    let isRefusing = true;
    there.server.use((_, next) => next(isRefusing ? new Error('not now') : undefined));
    await ada.open(there.app);
    expect((await ada.client.ended()).code).toBe(1008);
    expect(ada.client.frames.map(({ event }) => event)).toEqual(['exception']);
    isRefusing = false;
    await ada.connect(there.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect(await ada.settled()).toEqual(['missed']);
  });

  it('sends $session, then the missed events, then those of a middleware', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    here.server.emit('one');
    here.server.emit('two');
    there.server.use(async (client, next) => {
      client.emit('early');
      await new Promise(setImmediate);
      client.emit('late');
      next();
    });
    await ada.connect(there.app);
    expect(await ada.settled()).toEqual(['one', 'two', 'early', 'late']);
    expect(ada.client.frames[0]!.event).toBe('$session');
  });

  it('sends no events of a room from before a middleware joined it', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    const bob = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    await here.socketOf(bob).join('red');
    const earlyOffset = ada.offset;
    here.server.to('red').emit('secret');
    await bob.client.next('secret');
    there.server.use(async (client, next) => {
      await client.join('red');
      next();
    });
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(true);
    await ada.settled();
    await ada.cut();
    await there.lost(ada);
    ada.offset = earlyOffset;
    await ada.connect(there.app);
    expect(await ada.settled()).not.toContain('secret');
  });

  it('keeps no missed events once the client has received them', async () => {
    const ada = await new RecoveringClient().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    here.server.emit('missed', 'x'.repeat(1_000));
    await ada.connect(there.app);
    expect(await ada.settled()).toEqual(['missed']);
    expect(there.socketOf(ada)._session!.resumption!.missed).toHaveLength(0);
  });
}
