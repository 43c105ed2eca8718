import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { ServerWebSocket } from '../../lib/server/transport/server-web-socket.js';
import { limitInflaters } from '../../lib/ws/inflater-limit.js';
import { guardReceiver } from '../../lib/ws/receiver-guard.js';
import { COMPRESSED, deflated } from '../support/deflate.js';
import type { Random } from '../support/random.js';
import { clientFrame, closeBody, OP, type FrameSpec } from '../support/raw-client.js';
import { UnhandledErrors } from '../support/unhandled-errors.js';
import { check, fuzzConnections } from './fuzz.js';
import { mutateBytes } from './mutator.js';

const MAX_PAYLOAD = 100_000;

/** A connection whose chunks the test controls: they arrive during the inflation of a message, or not. */
class FakeConnection extends Duplex {
  readonly written: Buffer[] = [];
  override _read(): void {}
  override _write(bytes: Buffer, _: string, done: () => void): void {
    this.written.push(bytes);
    done();
  }
}

/** Some frames, and the expected reaction of a server. */
interface Part {
  readonly frames: readonly FrameSpec[];
  /** What it receives. */
  readonly received?: string;
  /** The close code that it sends. */
  readonly end?: number;
  /** Whether the reaction is not checked. */
  readonly isOpen?: boolean;
}

function refused(random: Random): Part {
  const notText = Buffer.from([0xff, 0xfe]);
  switch (random.below(9)) {
    case 0:
      return { frames: [{ opcode: OP.close, payload: closeBody(1005) }], end: 1002 };
    case 1:
      return { frames: [{ opcode: OP.close, payload: closeBody(1000, notText) }], end: 1007 };
    case 2:
      return { frames: [{ opcode: OP.text, payload: notText }], end: 1007 };
    case 3:
      return { frames: [{ opcode: OP.text, payload: deflated(notText), rsv: COMPRESSED }], end: 1007 };
    case 4:
      return { frames: [{ opcode: OP.text, payload: 'no deflate', rsv: COMPRESSED }], end: 1007 };
    case 5:
      return { frames: [{ opcode: 3 + random.below(5), payload: 'x' }], end: 1002 };
    case 6:
      return { frames: [{ opcode: OP.ping, payload: 'x', rsv: random.pick([1, 2, 4]) }], end: 1002 };
    case 7:
      return { frames: [{ opcode: OP.text, payload: 'x', mask: false }], end: 1002 };
    default: {
      const payload = deflated(Buffer.alloc(MAX_PAYLOAD + 1 + random.below(1_000_000), 'x'));
      return { frames: [{ opcode: OP.text, payload, rsv: COMPRESSED }], end: 1009 };
    }
  }
}

/** Returns a deflate stream that contains its end, is truncated, or damaged. */
function broken(random: Random, text: string): Buffer {
  switch (random.below(4)) {
    case 0:
      return deflateRawSync(text);
    case 1:
      return Buffer.concat([deflateRawSync(text), Buffer.from('and more')]);
    case 2:
      return deflated(text).subarray(0, random.below(10));
    default:
      return mutateBytes(random, deflated(text));
  }
}

function randomPart(random: Random): Part {
  const text = random.pick(['', 'a', 'ü', 'xyz '.repeat(500), 'long '.repeat(15_000), 'action']);
  const received = `text ${text}`;
  switch (random.below(10)) {
    case 0:
    case 1:
      return refused(random);
    case 2:
      return {
        frames: [{ opcode: OP.text, payload: broken(random, text), rsv: COMPRESSED }],
        isOpen: true,
      };
    case 3:
      return {
        frames: [{ opcode: OP.ping, payload: text.slice(0, 30) }],
        received: `ping ${text.slice(0, 30)}`,
      };
    case 4:
      return { frames: [{ opcode: OP.text, payload: text }], received };
    case 5: {
      const payload = deflated(text);
      const [first, second] = [random.below(payload.length + 1), random.below(payload.length + 1)].sort(
        (a, b) => a - b,
      );
      return {
        frames: [
          { opcode: OP.text, payload: payload.subarray(0, first), rsv: COMPRESSED, fin: false },
          { opcode: OP.continuation, payload: payload.subarray(first, second), fin: false },
          { opcode: OP.pong, payload: 'between' },
          { opcode: OP.continuation, payload: payload.subarray(second) },
        ],
        received,
      };
    }
    default:
      return { frames: [{ opcode: OP.text, payload: deflated(text), rsv: COMPRESSED }], received };
  }
}

async function open(tcp: Duplex): Promise<ServerWebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: ServerWebSocket,
    maxPayload: MAX_PAYLOAD,
    perMessageDeflate: true,
  });
  const request = new IncomingMessage(tcp as Socket);
  request.method = 'GET';
  request.url = '/';
  Object.assign(request.headers, {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-extensions': 'permessage-deflate; client_no_context_takeover',
  });
  return new Promise((resolve) =>
    server.handleUpgrade(request, tcp, Buffer.alloc(0), (ws) => resolve(ws as ServerWebSocket)),
  );
}

const ACTIONS: readonly ((ws: ServerWebSocket, tcp: Duplex) => void)[] = [
  (ws) => ws.close(4000),
  (ws) => ws.terminate(),
  (_ws, tcp) => tcp.destroy(),
  (ws) => {
    ws.pause();
    setImmediate(() => ws.resume());
  },
];

interface Outcome {
  received: string[];
  /** The close code that the server sent. */
  end: number | undefined;
  /** Whether the test waited until everything was read. */
  isDrained: boolean;
}

/** Sends bytes in chunks. Returns what the server received and sent. */
async function run(random: Random, bytes: Buffer): Promise<Outcome> {
  const tcp = new FakeConnection();
  const received: string[] = [];
  const ws = await open(tcp);
  tcp.written.length = 0;
  const action = random.pick(ACTIONS);
  const closed = new Promise((resolve) => {
    ws.listener = {
      maxPayload: MAX_PAYLOAD,
      onMessage(data) {
        received.push(`text ${data.toString()}`);
        if (data.toString() === 'action') action(ws, tcp);
      },
      onPing: (data) => received.push(`ping ${String(data)}`),
      onPong: () => undefined,
      onError: () => undefined,
      onClosed: resolve,
    };
  });
  guardReceiver(ws);
  if (random.chance(0.7)) limitInflaters(ws);
  const longest = random.pick([4, 40, 4_000, 100_000]);
  for (let at = 0; at < bytes.length && !tcp.destroyed;) {
    const size = 1 + random.below(random.chance(0.5) ? 4 : longest);
    // a copy: the reader unmasks in place
    tcp.push(Buffer.from(bytes.subarray(at, (at += size))));
    if (random.chance(0.2)) await new Promise(setImmediate);
  }
  // some connections end during the inflation of a message
  const isDrained = random.chance(0.7);
  if (isDrained) await drained(ws, tcp);
  if (random.chance(0.5)) tcp.push(null);
  else tcp.destroy();
  await new Promise(setImmediate);
  tcp.destroy();
  await closed;
  const last = Buffer.concat(tcp.written).subarray(-4);
  const isClose = last.length === 4 && last[0] === (0x80 | OP.close) && last[1] === 2;
  return { received, end: isClose ? last.readUInt16BE(2) : undefined, isDrained };
}

/** Resolves when everything was read: a last pong arrives, or the connection ends. */
async function drained(ws: ServerWebSocket, tcp: Duplex): Promise<void> {
  const { listener } = ws;
  const last = new Promise<void>((resolve) => {
    ws.listener = { ...listener!, onPong: (data) => String(data) === 'last' && resolve() };
  });
  tcp.push(clientFrame({ opcode: OP.pong, payload: 'last' }));
  const ended = new Promise((resolve) => {
    const poll = (): unknown => (ws.readyState === ServerWebSocket.OPEN ? setImmediate(poll) : resolve(0));
    poll();
  });
  await Promise.race([last, ended]);
}

async function runOne(random: Random, collector: UnhandledErrors): Promise<void> {
  const parts = Array.from({ length: 1 + random.below(8) }, () => randomPart(random));
  const key = random.chance(0.2) ? Buffer.alloc(4) : Buffer.from([1, 2, 254, 255]);
  const frames = parts.flatMap((part) => part.frames);
  const bytes = Buffer.concat(frames.map((frame) => clientFrame({ key, ...frame })));
  const { received, end, isDrained } = await run(random, bytes);
  await new Promise(setImmediate);
  check(collector.errors.length === 0, 'the process would have ended', collector.errors[0], frames);
  const firstEnd = parts.findIndex((part) => part.end !== undefined || part.isOpen === true);
  const known = firstEnd === -1 ? parts : parts.slice(0, firstEnd);
  const expected = known.flatMap((part) => part.received ?? []);
  const isPrefix = received.slice(0, expected.length).every((text, index) => text === expected[index]);
  check(isPrefix, 'received something else', received, expected, frames);
  const ending = parts[firstEnd];
  if (ending?.isOpen === true) return;
  check(received.length <= expected.length, 'received more than was sent', received, expected, frames);
  if (!isDrained || received.includes('text action')) return;
  check(received.length === expected.length, 'did not receive everything', received, expected, frames);
  check(end === ending?.end, 'closed with another code', end, ending?.end, frames);
}

describe('compressed messages in chunks', () => {
  fuzzConnections('are received or close the connection, and never end the process', 250, async () => {
    const collector = new UnhandledErrors();
    let turn = Promise.resolve();
    return {
      // one by one, so that each error belongs to the current case
      run: (random) => (turn = turn.then(() => runOne(random, collector))),
      async finish() {
        expect(await collector.stop()).toEqual([]);
      },
    };
  });
});
