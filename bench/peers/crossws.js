// crossws on Node's HTTP server, with only what the workloads need. It is not a dependency of this package: see install.js.
import { createServer } from 'node:http';
import crossws from 'crossws/adapters/node';
import { ownCpu, ownMemory, serve } from '../processes.js';
import { manySmallRooms, repeat, TEXT } from '../servers/common.js';

const clients = new Set();
const news = () => JSON.stringify({ event: 'news', data: TEXT });
let rooms = [];

const adapter = crossws({
  hooks: {
    open(peer) {
      clients.add(peer);
      peer.subscribe('room');
    },
    message(peer, message) {
      const { event, data, id } = message.json();
      peer.send(JSON.stringify({ event, data, ack: id }));
    },
    close: (peer) => void clients.delete(peer),
    error: (peer) => void clients.delete(peer),
  },
});
const http = createServer();
http.on('upgrade', (request, socket, head) => void adapter.handleUpgrade(request, socket, head));
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));

const pick = (list) => list[Math.floor(Math.random() * list.length)];

serve({
  port: () => http.address().port,
  cpu: ownCpu,
  memory: ownMemory,
  clients: () => clients.size,
  broadcast: ({ times, perTick }) => repeat(times, perTick, () => adapter.publish('room', news())),
  direct({ times, perTick }) {
    const all = [...clients];
    return repeat(times, perTick, () => pick(all).send(news()));
  },
  fill({ size }) {
    const names = new Set();
    manySmallRooms([...clients], size, (peer, room) => {
      names.add(room);
      peer.subscribe(room);
    });
    rooms = [...names];
  },
  rooms: ({ times, perTick }) => repeat(times, perTick, () => adapter.publish(pick(rooms), news())),
  churn({ times }) {
    const [peer] = clients;
    for (let i = 0; i < times; i++) {
      peer.subscribe(`room ${i % 1_000}`);
      peer.unsubscribe(`room ${i % 1_000}`);
    }
  },
});
