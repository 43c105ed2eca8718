import { startBareApp } from '../support/bare-gateway.js';

it('calls each member once for a broadcast whose listener leaves the room and joins it again', async () => {
  const { server, join } = await startBareApp();
  const pairs = await join(2);
  let calls = 0;
  for (const { socket } of pairs) {
    void socket.join('a');
    socket.onAnyOutgoing(() => {
      if (++calls > 50) return;
      void socket.leave('a');
      void socket.join('a');
    });
  }
  server.to('a').emit('x', 1);
  expect(calls).toBe(2);
});
