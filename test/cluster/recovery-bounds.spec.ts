import { got } from '../support/plain.js';
import { until } from '../support/wait.js';
import { startNode } from './recovery-cases.js';
import { Returning } from './recovery-client.js';

describe('what is kept for those who are away', () => {
  it('is bounded in bytes: who missed more begins anew', async () => {
    const { app, server } = await startNode({ recovery: { maxStoredBytes: 10_000 } });
    const ada = await new Returning().connect(app);
    await ada.settled();
    await ada.cut();
    for (let i = 0; i < 100; i++) server.emit('news', 'x'.repeat(100));
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    await ada.settled();
    await ada.cut();
    server.emit('few');
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['few']);
  });

  it('is not more than a client may have waiting', async () => {
    const { app, server } = await startNode({ recovery: true, limits: { maxBufferedBytes: 100_000 } });
    const ada = await new Returning().connect(app);
    await ada.settled();
    await ada.cut();
    for (let i = 0; i < 30; i++) server.emit('news', 'x'.repeat(10_000));
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
    expect(await ada.settled()).toEqual([]);
  });

  it('is there for as long as was said', async () => {
    const { app, server, lost } = await startNode({ recovery: { maxDisconnectionDuration: 50 } });
    const ada = await new Returning().connect(app);
    const bob = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    server.emit('news');
    // bob's clock: by the time he has asked that often, ada is too late
    const late = performance.now() + 60;
    while (performance.now() < late) await bob.client.ask('echo', 1);
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(false);
  });

  it('comes back although a client had heard nothing for longer than messages are kept', async () => {
    const { app, server, lost } = await startNode({ recovery: { maxStoredBytes: 10_000 } });
    const ada = await new Returning().connect(app);
    const bob = await new Returning().connect(app);
    // nothing of it is for ada, and ada's own position is forgotten
    for (let i = 0; i < 200; i++) server.to(bob.hello.id).emit('news', 'x'.repeat(100));
    await bob.client.next('news');
    await ada.cut();
    await lost(ada);
    server.emit('for ada');
    await ada.connect(app);
    expect(ada.hello.recovered).toBe(true);
    expect(await ada.settled()).toEqual(['for ada']);
  });

  it('is of no concern to clients that did not ask for it', async () => {
    const { app, server } = await startNode({ recovery: true });
    const bare = await app.connect('/ws');
    await bare.settled();
    server.emit('one');
    bare.ws.terminate();
    await bare.ended();
    const again = await app.connect('/ws');
    server.emit('two');
    await again.next('two');
    expect((await got(again)).map(([event]) => event)).toEqual(['two']);
  });

  it('survives that a client comes back twice at once: one of them gets it', async () => {
    const { app, server, lost } = await startNode({ recovery: true });
    const ada = await new Returning().connect(app);
    await ada.cut();
    await lost(ada);
    server.emit('missed');
    const { session, offset } = ada;
    const both = [1, 2, 3].map(() => Object.assign(new Returning(), { session, offset }));
    await Promise.all(both.map((client) => client.connect(app)));
    // until it is known that one has its new token another one may take it over
    const recovered = both.filter(({ hello }) => hello.recovered);
    const isOpen = ({ client }: Returning): boolean => client.closed === undefined;
    await until('one is left', () => recovered.filter(isOpen).length === 1);
    expect(new Set(recovered.map(({ hello }) => hello.id))).toEqual(new Set([ada.hello.id]));
    expect(server.sockets.size).toBe(1 + both.length - recovered.length);
    for (const client of both.filter(isOpen))
      expect(await client.settled()).toEqual(client.hello.recovered ? ['missed'] : []);
  });
});
