import type { Node } from './cases.js';
import { Returning } from './recovery-client.js';

/** Sessions of clients whose rooms change behind a dead connection. @param start as of `recoveryCases` */
export function recoveryRooms(start: () => Promise<Node[]>): void {
  let here: Node;
  let there: Node;
  let ada: Returning;
  let bob: Returning;
  beforeEach(async () => {
    const nodes = await start();
    here = nodes[0]!;
    there = nodes.at(-1)!;
    ada = await new Returning().connect(here.app);
    bob = await new Returning().connect(here.app);
    await here.socketOf(bob).join(['red', 'blue', 'green']);
  });

  /** Emits to a room, and waits until it has its place in the log. */
  const say = async (room: string, event: string, except: string[] = []): Promise<void> => {
    here.server.to(room).except(except).emit(event);
    await bob.client.next(event);
  };

  const stopReading = async (): Promise<void> => {
    await ada.settled();
    ada.client.ws.pause();
    ada.collect();
  };

  it('come back with what was said in each room while they were in it', async () => {
    const socket = here.socketOf(ada);
    await socket.join(['blue', 'white']);
    await stopReading();
    await say('red', 'red before it joined');
    await say('blue', 'blue while it was in');
    await say('green', 'green, but not white', ['white']);
    await socket.join(['red', 'green']);
    await say('red', 'red while it was in');
    await say('green', 'green, but not white again', ['white']);
    await socket.leave(['blue', 'white']);
    await say('blue', 'blue after it left');
    await say('green', 'green, but not white any more', ['white']);
    const { session, offset } = ada;
    const { id } = ada.hello;
    // the first attempt does not get through: nothing comes from that connection
    const deaf = Object.assign(new Returning(), { session, offset });
    await deaf.connect(there.app, {}, { autoPong: false });
    expect(deaf.hello).toMatchObject({ id, recovered: true });
    await ada.connect(here.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    const missed = ['blue while it was in', 'red while it was in', 'green, but not white any more'];
    expect(await ada.settled()).toEqual(missed);
    expect(here.socketOf(ada).rooms).toEqual(new Set([id, 'red', 'green']));
    await say('red', 'later');
    expect(await ada.settled()).toEqual([...missed, 'later']);
  });

  it('begin anew where their rooms changed too often since they were heard of last', async () => {
    const socket = here.socketOf(ada);
    await stopReading();
    for (let i = 0; i < 4; i++) {
      await socket.join(Array.from({ length: 100 }, (_, n) => `room-${i}-${n}`));
      await say('red', `red ${i}`);
    }
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(false);
  });
}
