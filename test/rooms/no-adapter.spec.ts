import { Bus } from '../support/bus.js';
import { startBareApp } from '../support/bare-gateway.js';

describe('an adapter function that returns undefined', () => {
  it('means rooms in memory', async () => {
    const factory: { current?: Bus['adapter'] } = {};
    const adapter = (nsp: never) => factory.current && Reflect.construct(factory.current, [nsp]);
    const { server, join } = await startBareApp({ adapter: adapter as never });
    expect(server.adapter.constructor.name).toBe('MemoryAdapter');
    expect(server.cluster.state).toBe('alone');
    const [ada, bob] = await join(2);
    await ada!.socket.join('red');
    server.to('red').emit('red');
    server.emit('end');
    expect((await ada!.client.next('red')).event).toBe('red');
    await bob!.client.next('end');
    expect(bob!.client.frames.map(({ event }) => event)).not.toContain('red');
  });
});
