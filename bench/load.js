// The load, in a process of its own: connects clients and counts what comes back.
import { once } from 'node:events';
import { WebSocket } from 'ws';

let sockets = [];
let received = 0;
let onMessage = () => undefined;

const commands = {
  async connect({ port, clients }) {
    sockets = [];
    for (let i = 0; i < clients; i += 100) {
      const batch = Array.from(
        { length: Math.min(100, clients - i) },
        () => new WebSocket(`ws://127.0.0.1:${port}/ws`),
      );
      for (const socket of batch) socket.on('message', () => onMessage(socket));
      await Promise.all(batch.map((socket) => once(socket, 'open')));
      sockets.push(...batch);
    }
  },
  // keeps so many messages of each client in flight until all have come back
  echo: ({ messages, depth }) =>
    new Promise((resolve) => {
      const text = JSON.stringify({
        event: 'echo',
        data: 'a payload of some sixty characters, as chat messages have it',
      });
      let sent = 0;
      received = 0;
      const send = (socket) => sent < messages && (sent++, socket.send(text));
      onMessage = (socket) => (++received === messages ? resolve() : send(socket));
      for (const socket of sockets) for (let i = 0; i < depth; i++) send(socket);
    }),
  expect: ({ messages }) => {
    received = 0;
    commands.all = new Promise((resolve) => {
      onMessage = () => ++received === messages && resolve();
    });
  },
  received: () => commands.all,
  close: () => sockets.forEach((socket) => socket.terminate()),
};
process.on('message', ({ command, ...options }) => {
  void Promise.resolve(commands[command](options)).then((result) => process.send({ command, result }));
});
process.send({ command: 'ready' });
