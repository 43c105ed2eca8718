import { jest } from '@jest/globals';
import { Bus } from '../support/bus.js';
import { startBareApp, type BareApp } from '../support/bare-gateway.js';

/** Counts the broadcasts that a node encodes. */
const encodesOf = ({ server }: BareApp): { readonly mock: { readonly calls: unknown[] } } =>
  jest.spyOn(server.encoder, 'encode');

async function startTwo() {
  const bus = new Bus();
  const here = await startBareApp({ adapter: bus.adapter });
  const there = await startBareApp({ adapter: bus.adapter });
  const [ada] = await there.join(1);
  return { here, there, ada: ada! };
}

describe('a broadcast of another node', () => {
  it('is not encoded where no client is in its rooms', async () => {
    const { here, there, ada } = await startTwo();
    const encodes = encodesOf(there);
    for (let i = 0; i < 10; i++) here.server.to('elsewhere').to(`${i}`).emit('news', i);
    here.server.to(['elsewhere', ada.socket.id]).emit('own', 1);
    expect((await ada.client.next('own')).data).toBe(1);
    expect(encodes.mock.calls).toHaveLength(1);
    expect(ada.client.frames.map(({ event }) => event)).not.toContain('news');
  });

  it('is encoded once a client has joined one of them, and for all clients', async () => {
    const { here, there, ada } = await startTwo();
    const encodes = encodesOf(there);
    here.server.to('red').emit('before');
    here.server.to(ada.socket.id).emit('own');
    await ada.client.next('own');
    await ada.socket.join('red');
    here.server.to('red').emit('after');
    here.server.except('red').emit('to others');
    here.server.emit('all');
    await ada.client.next('all');
    expect(ada.client.frames.map(({ event }) => event)).toEqual(expect.arrayContaining(['after', 'all']));
    expect(ada.client.frames.map(({ event }) => event)).not.toContain('before');
    // all but 'before'
    expect(encodes.mock.calls).toHaveLength(4);
  });

  it('counts no client where none is asked', async () => {
    const { here, ada } = await startTwo();
    expect(await here.server.to('elsewhere').timeout(60_000).emitWithAck('question')).toEqual([]);
    const answers = here.server.to(ada.socket.id).timeout(60_000).emitWithAck('question');
    const { id } = (await ada.client.next('question')) as { id?: number };
    ada.client.ws.send(JSON.stringify({ ack: id, data: 'yes' }));
    expect(await answers).toEqual(['yes']);
  });
});
