// The floor and the hand-written peers: `ws` without a framework, with only what the workloads need. The barest of them answers
// messages and keeps nothing of its clients: it cannot send to them, and an error of one client ends it.
// node bench/servers/plain.js raw|batch|floor|barest
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { manySmallRooms, repeat, TEXT } from './common.js';
import { ownCpu, ownMemory, serve } from '../processes.js';

const [, , kind] = process.argv;
const http = createServer();
const wss = new WebSocketServer({ server: http, perMessageDeflate: false, clientTracking: false });
const clients = new Set();
const rooms = new Map();

/** Collects all frames of one tick into one write per socket. */
const corked = new Set();
function cork(tcp) {
  if (corked.has(tcp)) return;
  if (corked.size === 0) process.nextTick(uncork);
  corked.add(tcp);
  tcp.cork();
}
function uncork() {
  for (const tcp of corked) tcp.uncork();
  corked.clear();
}
const send = kind === 'batch' ? (ws, text) => (cork(ws.tcp), ws.send(text)) : (ws, text) => ws.send(text);

const HANDLERS = {
  echo: (data) => data,
  listen: (data) => data,
  ask: (data) => data,
  guarded: (data) => data,
};

function answer(bytes) {
  const { event, data, id } = JSON.parse(bytes);
  this.send(JSON.stringify({ event, data, ack: id }));
}

wss.on('connection', (ws, request) => {
  if (kind === 'barest') return void ws.on('message', answer);
  ws.tcp = request.socket;
  clients.add(ws);
  ws.on('close', () => clients.delete(ws));
  ws.on('error', () => undefined);
  ws.on('message', (bytes) => {
    const { event, data, id } = JSON.parse(bytes);
    const handler = HANDLERS[event];
    if (handler !== undefined) send(ws, JSON.stringify({ event, data: handler(data), ack: id }));
  });
});

/** A text frame without a mask (RFC 6455, section 5.2). */
function frameOf(text) {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126 ? [0x81, payload.length] : [0x81, 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}
const news = () => JSON.stringify({ event: 'news', data: TEXT });
const frame = frameOf(news());
function broadcast() {
  // the floor: it only writes prebuilt bytes
  if (kind === 'floor') for (const ws of clients) ws.tcp.write(frame);
  else {
    const text = news();
    for (const ws of clients) send(ws, text);
  }
}

await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
serve({
  port: () => http.address().port,
  cpu: ownCpu,
  memory: ownMemory,
  clients: () =>
    kind === 'barest'
      ? new Promise((resolve) => http.getConnections((_, count) => resolve(count)))
      : clients.size,
  listen: () => undefined,
  broadcast: ({ times, perTick }) => repeat(times, perTick, broadcast),
  direct({ times, perTick }) {
    const all = [...clients];
    return repeat(times, perTick, () => send(all[Math.floor(Math.random() * all.length)], news()));
  },
  fill: ({ size }) =>
    manySmallRooms([...clients], size, (ws, room) => {
      if (!rooms.has(room)) rooms.set(room, new Set());
      rooms.get(room).add(ws);
    }),
  rooms({ times, perTick }) {
    const names = [...rooms.keys()];
    return repeat(times, perTick, () => {
      const text = news();
      for (const ws of rooms.get(names[Math.floor(Math.random() * names.length)])) send(ws, text);
    });
  },
  churn({ times }) {
    const [ws] = clients;
    for (let i = 0; i < times; i++) {
      const room = `room ${i % 1_000}`;
      let members = rooms.get(room);
      if (members === undefined) rooms.set(room, (members = new Set()));
      members.add(ws);
      members.delete(ws);
      if (members.size === 0) rooms.delete(room);
    }
  },
});
