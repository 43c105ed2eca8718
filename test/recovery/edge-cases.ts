import { until } from '../support/wait.js';
import type { Node } from './cases.js';
import { Returning } from './recovery-client.js';

/** The sessions of clients that are dishonest, or come at a bad moment. @param start as of `recoveryCases` */
export function recoveryEdges(start: () => Promise<Node[]>): void {
  let here: Node;
  let there: Node;
  beforeEach(async () => {
    const nodes = await start();
    here = nodes[0]!;
    there = nodes.at(-1)!;
  });

  /** Connection middlewares of that node wait for what this gives. */
  function holdMiddlewares(node: Node): { waiting: number; goOn: () => void } {
    const gate = { waiting: 0, goOn: (): void => undefined };
    const opened = new Promise<void>((resolve) => (gate.goOn = resolve));
    node.server.use((_, next) => {
      gate.waiting++;
      void opened.then(() => next());
    });
    return gate;
  }

  it('gives nobody what was said in a room before it joined, whatever offset it shows', async () => {
    const ada = await new Returning().connect(here.app);
    const bob = await new Returning().connect(here.app);
    const early = ada.offset;
    await here.socketOf(bob).join('red');
    here.server.to('red').emit('secret');
    await bob.client.next('secret');
    await here.socketOf(ada).join('red');
    await ada.settled();
    await ada.cut();
    await here.lost(ada);
    here.server.to('red').emit('after');
    ada.offset = early;
    await ada.connect(there.app);
    expect(await ada.settled()).not.toContain('secret');
  });

  it('gives nobody what was said before it came', async () => {
    const bob = await new Returning().connect(here.app);
    const early = bob.offset;
    here.server.emit('before');
    await bob.client.next('before');
    const ada = await new Returning().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    ada.offset = early;
    await ada.connect(there.app);
    expect(await ada.settled()).toEqual([]);
  });

  it.each(['disconnected', 'put out of a room'])(
    'lets nobody in again that is %s while it is on its way back',
    async (what) => {
      const ada = await new Returning({ user: 'ada' }).connect(here.app);
      await here.socketOf(ada).join('red');
      await ada.settled();
      await ada.cut();
      await here.lost(ada);
      const eve = await new Returning().connect(there.app);
      const gate = holdMiddlewares(there);
      await ada.open(there.app);
      await until('the middleware', () => gate.waiting > 0);
      if (what === 'disconnected') there.server.disconnectUser('ada');
      else there.server.in(ada.hello.id).socketsLeave('red');
      // it is in the log; else it is on its way into that
      if (what === 'disconnected') {
        there.server.emit('end');
        await eve.client.next('end');
      }
      gate.goOn();
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

  it('has a session for whom the line breaks again before it was let in', async () => {
    const ada = await new Returning().connect(here.app);
    const { id } = ada.hello;
    await ada.cut();
    await here.lost(ada);
    here.server.emit('missed');
    const gate = holdMiddlewares(there);
    await ada.open(there.app);
    await until('the middleware', () => gate.waiting > 0);
    await ada.cut();
    expect(ada.client.frames).toEqual([]);
    await until('its end', () => there.server._connecting.size === 0);
    gate.goOn();
    await ada.connect(here.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    expect(await ada.settled()).toEqual(['missed']);
  });

  it('has a session for a client that a middleware refused once', async () => {
    const ada = await new Returning().connect(here.app);
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

  it('sends $session, then what was missed, then what a middleware emitted', async () => {
    const ada = await new Returning().connect(here.app);
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

  it('gives nobody what was said in a room before a middleware put it there', async () => {
    const ada = await new Returning().connect(here.app);
    const bob = await new Returning().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    await here.socketOf(bob).join('red');
    const early = ada.offset;
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
    ada.offset = early;
    await ada.connect(there.app);
    expect(await ada.settled()).not.toContain('secret');
  });

  it('keeps nothing of what was missed when the client has it', async () => {
    const ada = await new Returning().connect(here.app);
    await ada.cut();
    await here.lost(ada);
    here.server.emit('missed', 'x'.repeat(1_000));
    await ada.connect(there.app);
    expect(await ada.settled()).toEqual(['missed']);
    expect(there.socketOf(ada)._session!.resumption!.missed).toHaveLength(0);
  });
}
