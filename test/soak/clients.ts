import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { randomMessage } from '../fuzz/envelope-corpus.js';
import { mutateBytes } from '../fuzz/mutator.js';
import { randomUpgrade } from '../fuzz/upgrade-corpus.js';
import type { Random } from '../support/random.js';
import { clientFrame, OP, RawClient } from '../support/raw-client.js';

/** Comes, does what its name says, and is gone when it resolves; whatever the server does to it is right. */
export type Visitor = (random: Random, port: number) => Promise<void>;

const PATHS = ['/soak', '/soak', '/guarded?token=right', '/slow', '/rooms/room-'];
/** Milliseconds: hundreds at a time keep a small machine busy. */
const PATIENCE = 30_000;
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

function pathOf(random: Random): string {
  const path = random.pick(PATHS);
  return path.endsWith('-') ? `${path}${random.below(1_000_000)}` : path;
}

/** The closing handshake, whoever begins it. */
async function disconnectAll(client: RawClient): Promise<void> {
  client.send({ opcode: OP.close });
  await read(client, 'nothing');
}

/** Leaves in one of the ways there are. */
async function leave(random: Random, client: RawClient): Promise<void> {
  if (!client.isClosed) {
    const way = random.below(4);
    if (way === 0) await disconnectAll(client);
    else if (way === 1) client.tcp.end();
    // not behind an end(): Node neither resets nor destroys then
    else if (way === 2 && client.tcp.writable) client.tcp.resetAndDestroy();
    else client.tcp.destroy();
  }
  await client.ended();
}

async function come(random: Random, port: number, path = pathOf(random)): Promise<RawClient> {
  const headers = random.chance(0.3) ? { 'Sec-WebSocket-Protocol': 'envelope.v1' } : undefined;
  return RawClient.connect(port, path, headers, PATIENCE);
}

/** Reads until that text has come, or the line has ended; answers a goodbye. */
async function read(client: RawClient, text: string): Promise<void> {
  for (;;) {
    const frame = await client.frameOrEnd();
    if (frame?.opcode === OP.close) client.tcp.end();
    if (frame === undefined || frame.opcode === OP.close || frame.payload.includes(text)) return;
  }
}

const EVENTS = ['echo', 'later', 'join', 'leave', 'tell', 'heard', 'nobody', '$ping', 'ask me'];

/** What an ordinary client does. */
const talk: Visitor = async (random, port) => {
  const client = await come(random, port);
  for (let i = 0; i < 1 + random.below(10); i++) {
    if (client.isClosed) break;
    const event = random.pick(EVENTS);
    client.text({ event, data: `room ${random.below(1_000)}`, ...(random.chance(0.7) && { id: i + 1 }) });
  }
  client.text({ event: '$ping', id: 'end' });
  await read(client, '"end"');
  await leave(random, client);
};

/** Has streams without end, and cancels some. */
const stream: Visitor = async (random, port) => {
  const client = await come(random, port);
  for (const id of [1, 2, 3, 4]) client.text({ event: random.pick(['ticks', 'values']), id, stream: id < 3 });
  client.text({ event: random.pick(['ticks', 'values']) });
  await read(client, '"more":true');
  if (random.chance(0.5)) client.text({ event: '$cancel', data: 1, id: 'cancel' });
  if (random.chance(0.5)) await read(client, '"cancel"');
  await leave(random, client);
};

/** Is asked, and answers late, twice, for others, or never. */
const answer: Visitor = async (random, port) => {
  const client = await come(random, port, '/soak');
  client.text({ event: 'ask me', id: 'me' });
  if (random.chance(0.7)) {
    const frame = await client.frameOrEnd();
    const { id } = JSON.parse(frame?.opcode === OP.text ? frame.payload.toString() : '{}') as { id?: number };
    for (const ack of [id, id, -1, 'x', 1e15]) client.text({ ack, data: random.below(9) });
    client.text({ event: 'exception', ack: (id ?? 0) + 1, data: { status: 'error', message: 'no' } });
  }
  if (random.chance(0.5)) await read(client, '"me"');
  await leave(random, client);
};

/** Sends frames that are none. */
const garble: Visitor = async (random, port) => {
  const client = await come(random, port);
  const frame = clientFrame({ opcode: OP.text, payload: '{"event":"echo","data":1,"id":1}' });
  for (let i = 0; i < 5; i++) client.send(mutateBytes(random, frame));
  await leave(random, client);
};

const misspeak: Visitor = async (random, port) => {
  const client = await come(random, port);
  for (let i = 0; i < 20; i++) client.text(randomMessage(random));
  client.text({ event: '$ping', id: 'end' });
  await read(client, '"end"');
  await leave(random, client);
};

const flood: Visitor = async (random, port) => {
  const client = await come(random, port, '/soak');
  const spec = random.pick([
    { opcode: OP.text, payload: '{"event":"echo","data":1}' },
    { opcode: OP.ping, payload: 'p' },
  ]);
  const frame = clientFrame(spec);
  client.send(Buffer.concat(Array.from({ length: 2_500 }, () => frame)));
  client.text({ event: '$ping', id: 'end' });
  await read(client, '"end"');
  await leave(random, client);
};

/** Says half of something, in a frame or in fragments. */
const halve: Visitor = async (random, port) => {
  const client = await come(random, port);
  const frame = clientFrame({ opcode: OP.text, payload: `{"event":"echo","data":"${'x'.repeat(50_000)}"}` });
  client.send(frame.subarray(0, random.below(frame.length)));
  if (random.chance(0.3)) client.send({ opcode: OP.continuation, payload: 'x', fin: false });
  await leave(random, client);
};

/** Asks for much and reads nothing of it. */
const stall: Visitor = async (random, port) => {
  const client = await come(random, port, '/soak');
  client.tcp.pause();
  client.text({ event: 'much', id: 1 });
  await pause(random.below(500));
  if (random.chance(0.5)) client.tcp.resume();
  else client.tcp.resetAndDestroy();
  await leave(random, client);
};

/** Answers no ping, and waits to be cut. */
const fallSilent: Visitor = async (_random, port) => {
  const client = await RawClient.connect(port, '/soak', {}, PATIENCE);
  await client.ended();
};

const repeatIds: Visitor = async (random, port) => {
  const client = await come(random, port, '/soak');
  client.text({ event: 'later', id: 1 });
  client.text({ event: 'later', id: 1 });
  await read(client, 'nothing');
  await leave(random, client);
};

const crowdRooms: Visitor = async (random, port) => {
  const client = await come(random, port, '/soak');
  const name = 'r'.repeat(random.pick([5, 300]));
  client.text({ event: 'join', data: Array.from({ length: 1_200 }, (_, i) => `${name}${i}`), id: 1 });
  await read(client, '"ack":1');
  await leave(random, client);
};

/** Asks for an upgrade in a way that may be no way at all. */
const upgradeBadly: Visitor = (random, port) => {
  const request = randomUpgrade(random, `127.0.0.1:${port}`).replace(/\/ws|\/room|\/ns/, random.pick(PATHS));
  return new Promise((resolve) => {
    const tcp = connect(port, '127.0.0.1');
    tcp.on('error', () => undefined);
    tcp.on('close', () => resolve());
    tcp.resume();
    tcp.write(request, 'latin1', () => {
      if (random.chance(0.2)) tcp.destroy();
      else tcp.end();
    });
  });
};

/** Is refused, or leaves while it is looked at, or before it is let in. */
const hurry: Visitor = (random, port) => {
  const path = random.pick([
    '/guarded?token=wrong',
    '/guarded?token=right',
    '/slow?way=never',
    '/slow?way=throws',
  ]);
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    if (random.chance(0.5)) setTimeout(() => socket.terminate(), random.below(20));
    else socket.on('open', () => socket.send('{"event":"echo","data":1}'));
  });
};

/** Stays until its token has expired, or presents a fresh one. */
const outstay: Visitor = async (random, port) => {
  const client = await come(random, port, '/guarded?token=right');
  if (random.chance(0.6))
    client.text({ event: '$auth', id: 1, meta: { token: random.pick(['right', 'wrong']) } });
  await read(client, 'nothing');
  await leave(random, client);
};

/** Is not sent much: what `ws` has not deflated yet stays with its client, and that with Nest where it was the last. */
const deflate: Visitor = (random, port) =>
  new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/deflated`, { perMessageDeflate: { threshold: 0 } });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.on('open', () => {
      for (let id = 1; id < 6; id++)
        socket.send(JSON.stringify({ event: 'echo', data: 'z'.repeat(5_000), id }));
    });
    socket.on('message', (data) => {
      if (!String(data).includes('"ack":5')) return;
      if (random.chance(0.5)) socket.close();
      else socket.terminate();
    });
  });

const beSentAway: Visitor = async (random, port) => {
  const client = await come(random, port);
  client.text({ event: 'later' });
  client.text({ event: 'bye' });
  await read(client, 'nothing');
  await leave(random, client);
};

/** The ordinary come more often. */
export const VISITORS: readonly Visitor[] = [
  ...[
    talk,
    talk,
    talk,
    talk,
    stream,
    stream,
    answer,
    answer,
    garble,
    misspeak,
    flood,
    halve,
    stall,
    fallSilent,
  ],
  ...[repeatIds, crowdRooms, upgradeBadly, upgradeBadly, hurry, hurry, outstay, deflate, beSentAway],
];
