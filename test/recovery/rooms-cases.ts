import type { Node } from './cases.js';
import { RecoveringClient } from './recovery-client.js';

/** Sessions of clients whose rooms change while their connection is dead. @param start like for `recoveryCases` */
export function recoveryRoomsCases(start: () => Promise<Node[]>): void {
  let here: Node;
  let there: Node;
  let ada: RecoveringClient;
  let bob: RecoveringClient;
  beforeEach(async () => {
    const nodes = await start();
    here = nodes[0]!;
    there = nodes.at(-1)!;
    ada = await new RecoveringClient().connect(here.app);
    bob = await new RecoveringClient().connect(here.app);
    await here.socketOf(bob).join(['red', 'blue', 'green']);
  });

  /** Emits to a room, and waits until the message is in the log. */
  const emitTo = async (room: string, event: string, except: string[] = []): Promise<void> => {
    here.server.to(room).except(except).emit(event);
    await bob.client.next(event);
  };

  const stopReading = async (): Promise<void> => {
    await ada.settled();
    ada.client.ws.pause();
    ada.collect();
  };

  it('are recovered with the events of each room from while they were in it', async () => {
    const socket = here.socketOf(ada);
    await socket.join(['blue', 'white']);
    await stopReading();
    await emitTo('red', 'red before it joined');
    await emitTo('blue', 'blue while it was in');
    await emitTo('green', 'green, but not white', ['white']);
    await socket.join(['red', 'green']);
    await emitTo('red', 'red while it was in');
    await emitTo('green', 'green, but not white again', ['white']);
    await socket.leave(['blue', 'white']);
    await emitTo('blue', 'blue after it left');
    await emitTo('green', 'green, but not white any more', ['white']);
    const { session, offset } = ada;
    const { id } = ada.hello;
    // The first attempt fails: that connection sends nothing.
    const silent = Object.assign(new RecoveringClient(), { session, offset });
    await silent.connect(there.app, {}, { autoPong: false });
    expect(silent.hello).toMatchObject({ id, recovered: true });
    await ada.connect(here.app);
    expect(ada.hello).toMatchObject({ id, recovered: true });
    const missed = ['blue while it was in', 'red while it was in', 'green, but not white any more'];
    expect(await ada.settled()).toEqual(missed);
    expect(here.socketOf(ada).rooms).toEqual(new Set([id, 'red', 'green']));
    await emitTo('red', 'later');
    expect(await ada.settled()).toEqual([...missed, 'later']);
  });

  it('are not recovered if their rooms changed too often since their last message', async () => {
    const socket = here.socketOf(ada);
    await stopReading();
    for (let i = 0; i < 4; i++) {
      await socket.join(Array.from({ length: 100 }, (_, n) => `room-${i}-${n}`));
      await emitTo('red', `red ${i}`);
    }
    await ada.connect(there.app);
    expect(ada.hello.recovered).toBe(false);
  });
}
