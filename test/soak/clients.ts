import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { randomMessage } from '../fuzz/envelope-corpus.js';
import { mutateBytes } from '../fuzz/mutator.js';
import { randomUpgrade } from '../fuzz/upgrade-corpus.js';
import type { Random } from '../support/random.js';
import { clientFrame, OP, RawClient } from '../support/raw-client.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

/** Connects, does what its name says, and disconnects before it resolves. Accepts any reaction of the server. */
export type SoakClient = (random: Random, port: number) => Promise<void>;

const PATHS = ['/soak', '/soak', '/guarded?token=right', '/slow', '/rooms/room-'];
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

function pathOf(random: Random): string {
  const path = random.pick(PATHS);
  return path.endsWith('-') ? `${path}${random.below(1_000_000)}` : path;
}

/** Completes the closing handshake, which either side may have begun. */
async function closeNormally(client: RawClient): Promise<void> {
  client.send({ opcode: OP.close });
  await read(client, 'nothing');
}

/** Disconnects in a random way. */
async function disconnect(random: Random, client: RawClient): Promise<void> {
  if (!client.isClosed) {
    const way = random.below(4);
    if (way === 0) await closeNormally(client);
    else if (way === 1) client.tcp.end();
    // not after an end(): Node neither resets nor destroys then
    else if (way === 2 && client.tcp.writable) client.tcp.resetAndDestroy();
    else client.tcp.destroy();
  }
  await client.ended();
}

async function connectClient(random: Random, port: number, path = pathOf(random)): Promise<RawClient> {
  const headers = random.chance(0.3) ? { 'Sec-WebSocket-Protocol': 'envelope.v1' } : undefined;
  return RawClient.connect(port, path, headers, LONGEST_WAIT);
}

/** Reads until the text arrives or the connection closes. Answers a close frame. */
async function read(client: RawClient, text: string): Promise<void> {
  for (;;) {
    const frame = await client.frameOrEnd();
    if (frame?.opcode === OP.close) client.tcp.end();
    if (frame === undefined || frame.opcode === OP.close || frame.payload.includes(text)) return;
  }
}

const EVENTS = ['echo', 'later', 'join', 'leave', 'broadcast', 'listener', 'unknown', '$ping', 'ask me'];

/** Sends events and requests like an ordinary client. */
const exchangeMessages: SoakClient = async (random, port) => {
  const client = await connectClient(random, port);
  for (let i = 0; i < 1 + random.below(10); i++) {
    if (client.isClosed) break;
    const event = random.pick(EVENTS);
    client.text({ event, data: `room ${random.below(1_000)}`, ...(random.chance(0.7) && { id: i + 1 }) });
  }
  client.text({ event: '$ping', id: 'end' });
  await read(client, '"end"');
  await disconnect(random, client);
};

/** Opens infinite streams, and cancels some. */
const stream: SoakClient = async (random, port) => {
  const client = await connectClient(random, port);
  for (const id of [1, 2, 3, 4]) client.text({ event: random.pick(['ticks', 'values']), id, stream: id < 3 });
  client.text({ event: random.pick(['ticks', 'values']) });
  await read(client, '"more":true');
  if (random.chance(0.5)) client.text({ event: '$cancel', data: 1, id: 'cancel' });
  if (random.chance(0.5)) await read(client, '"cancel"');
  await disconnect(random, client);
};

/** Answers requests of the server late, twice, with wrong ids, or never. */
const answer: SoakClient = async (random, port) => {
  const client = await connectClient(random, port, '/soak');
  client.text({ event: 'ask me', id: 'me' });
  if (random.chance(0.7)) {
    const frame = await client.frameOrEnd();
    const { id } = JSON.parse(frame?.opcode === OP.text ? frame.payload.toString() : '{}') as { id?: number };
    for (const ack of [id, id, -1, 'x', 1e15]) client.text({ ack, data: random.below(9) });
    client.text({ event: 'exception', ack: (id ?? 0) + 1, data: { status: 'error', message: 'no' } });
  }
  if (random.chance(0.5)) await read(client, '"me"');
  await disconnect(random, client);
};

/** Sends mutated frames. */
const sendInvalidFrames: SoakClient = async (random, port) => {
  const client = await connectClient(random, port);
  const frame = clientFrame({ opcode: OP.text, payload: '{"event":"echo","data":1,"id":1}' });
  for (let i = 0; i < 5; i++) client.send(mutateBytes(random, frame));
  await disconnect(random, client);
};

const sendInvalidMessages: SoakClient = async (random, port) => {
  const client = await connectClient(random, port);
  for (let i = 0; i < 20; i++) client.text(randomMessage(random));
  client.text({ event: '$ping', id: 'end' });
  await read(client, '"end"');
  await disconnect(random, client);
};

const flood: SoakClient = async (random, port) => {
  const client = await connectClient(random, port, '/soak');
  const spec = random.pick([
    { opcode: OP.text, payload: '{"event":"echo","data":1}' },
    { opcode: OP.ping, payload: 'p' },
  ]);
  const frame = clientFrame(spec);
  client.send(Buffer.concat(Array.from({ length: 2_500 }, () => frame)));
  client.text({ event: '$ping', id: 'end' });
  await read(client, '"end"');
  await disconnect(random, client);
};

/** Sends an incomplete frame, or an incomplete fragmented message. */
const sendIncompleteFrame: SoakClient = async (random, port) => {
  const client = await connectClient(random, port);
  const frame = clientFrame({ opcode: OP.text, payload: `{"event":"echo","data":"${'x'.repeat(50_000)}"}` });
  client.send(frame.subarray(0, random.below(frame.length)));
  if (random.chance(0.3)) client.send({ opcode: OP.continuation, payload: 'x', fin: false });
  await disconnect(random, client);
};

/** Requests a large response and does not read it. */
const stopReading: SoakClient = async (random, port) => {
  const client = await connectClient(random, port, '/soak');
  client.tcp.pause();
  client.text({ event: 'much', id: 1 });
  await pause(random.below(500));
  if (random.chance(0.5)) client.tcp.resume();
  else client.tcp.resetAndDestroy();
  await disconnect(random, client);
};

/** Answers no pings, and waits until the server disconnects it. */
const ignorePings: SoakClient = async (_random, port) => {
  const client = await RawClient.connect(port, '/soak', {}, LONGEST_WAIT);
  await client.ended();
};

const repeatIds: SoakClient = async (random, port) => {
  const client = await connectClient(random, port, '/soak');
  client.text({ event: 'later', id: 1 });
  client.text({ event: 'later', id: 1 });
  await read(client, 'nothing');
  await disconnect(random, client);
};

const joinTooManyRooms: SoakClient = async (random, port) => {
  const client = await connectClient(random, port, '/soak');
  const name = 'r'.repeat(random.pick([5, 300]));
  client.text({ event: 'join', data: Array.from({ length: 1_200 }, (_, i) => `${name}${i}`), id: 1 });
  await read(client, '"ack":1');
  await disconnect(random, client);
};

/** Sends an upgrade request that may be invalid. */
const sendInvalidUpgrade: SoakClient = (random, port) => {
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

/** Is refused, or disconnects during the guards or before `handleConnection` has finished. */
const disconnectDuringUpgrade: SoakClient = (random, port) => {
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

/** Stays until its token expires, or sends a new one. */
const waitForExpiry: SoakClient = async (random, port) => {
  const client = await connectClient(random, port, '/guarded?token=right');
  if (random.chance(0.6))
    client.text({ event: '$auth', id: 1, meta: { token: random.pick(['right', 'wrong']) } });
  await read(client, 'nothing');
  await disconnect(random, client);
};

/** Receives little: `ws` retains undeflated data with its client, and Nest retains the last client. */
const deflate: SoakClient = (random, port) =>
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

const askForDisconnect: SoakClient = async (random, port) => {
  const client = await connectClient(random, port);
  client.text({ event: 'later' });
  client.text({ event: 'disconnect me' });
  await read(client, 'nothing');
  await disconnect(random, client);
};

/** Ordinary clients appear more often. */
export const SOAK_CLIENTS: readonly SoakClient[] = [
  ...[
    exchangeMessages,
    exchangeMessages,
    exchangeMessages,
    exchangeMessages,
    stream,
    stream,
    answer,
    answer,
    sendInvalidFrames,
    sendInvalidMessages,
    flood,
    sendIncompleteFrame,
    stopReading,
    ignorePings,
  ],
  ...[
    repeatIds,
    joinTooManyRooms,
    sendInvalidUpgrade,
    sendInvalidUpgrade,
    disconnectDuringUpgrade,
    disconnectDuringUpgrade,
    waitForExpiry,
    deflate,
    askForDisconnect,
  ],
];
