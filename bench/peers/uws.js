// uWebSockets.js, with only what the workloads need. It is not a dependency of this package: see install.js. Its own releases are
// not on npm's registry; this one is a copy of one of them.
import uws from '@trufflesuite/uws-js-unofficial';
import { manySmallRooms, repeat, TEXT } from '../servers/common.js';
import { ownCpu, ownMemory, serve } from '../processes.js';

const clients = new Set();
const decoder = new TextDecoder();
const news = () => JSON.stringify({ event: 'news', data: TEXT });
let rooms = [];
let port;

const app = uws.App();
app.ws('/ws', {
  maxPayloadLength: 1_000_000,
  idleTimeout: 0,
  open(ws) {
    clients.add(ws);
    ws.subscribe('room');
  },
  message(ws, bytes) {
    const { event, data, id } = JSON.parse(decoder.decode(bytes));
    ws.send(JSON.stringify({ event, data, ack: id }));
  },
  close: (ws) => clients.delete(ws),
});
await new Promise((resolve, reject) => {
  app.listen('127.0.0.1', 0, (socket) => {
    if (!socket) return reject(new Error('cannot listen'));
    port = uws.us_socket_local_port(socket);
    resolve();
  });
});

const publish = (room) => app.publish(room, news());
const pick = (list) => list[Math.floor(Math.random() * list.length)];

serve({
  port: () => port,
  cpu: ownCpu,
  memory: ownMemory,
  clients: () => clients.size,
  broadcast: ({ times, perTick }) => repeat(times, perTick, () => publish('room')),
  direct({ times, perTick }) {
    const all = [...clients];
    return repeat(times, perTick, () => pick(all).send(news()));
  },
  fill({ size }) {
    const names = new Set();
    manySmallRooms([...clients], size, (ws, room) => {
      names.add(room);
      ws.subscribe(room);
    });
    rooms = [...names];
  },
  rooms: ({ times, perTick }) => repeat(times, perTick, () => publish(pick(rooms))),
  churn({ times }) {
    const [ws] = clients;
    for (let i = 0; i < times; i++) {
      ws.subscribe(`room ${i % 1_000}`);
      ws.unsubscribe(`room ${i % 1_000}`);
    }
  },
});
