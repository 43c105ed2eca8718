import { startPlain } from '../support/bare-gateway.js';

it('a broadcast whose listener leaves the room and joins it again tells each member once', async () => {
  const { server, join } = await startPlain();
  const pairs = await join(2);
  let told = 0;
  for (const { socket } of pairs) {
    void socket.join('a');
    socket.onAnyOutgoing(() => {
      if (++told > 50) return;
      void socket.leave('a');
      void socket.join('a');
    });
  }
  server.to('a').emit('x', 1);
  expect(told).toBe(2);
});
