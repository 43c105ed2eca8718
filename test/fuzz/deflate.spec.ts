import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { constants, deflateRawSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { ServerWebSocket } from '../../lib/server/transport/server-web-socket.js';
import { guardReceiver } from '../../lib/ws/receiver-guard.js';
import type { Random } from '../support/random.js';
import { clientFrame, closeBody, OP, type FrameSpec } from '../support/raw-client.js';
import { UnhandledErrors } from '../support/unhandled-errors.js';
import { check, fuzzLines } from './fuzz.js';
import { mutateBytes } from './mutator.js';

const MAX_PAYLOAD = 100_000;
const COMPRESSED = 4;

/** A connection whose pieces are the test's own: they come while a message is inflated, or not, as the test wants. */
class Pieces extends Duplex {
  readonly written: Buffer[] = [];
  override _read(): void {}
  override _write(bytes: Buffer, _: string, done: () => void): void {
    this.written.push(bytes);
    done();
  }
}

/** Some frames, and what a server makes of them. */
interface Part {
  readonly frames: readonly FrameSpec[];
  /** What it hears of. */
  readonly heard?: string;
  /** The code that it closes with. */
  readonly end?: number;
  /** What it hears, whether it closes and with what, is not for this test to say. */
  readonly isOpen?: boolean;
}

/** As permessage-deflate has it (RFC 7692, section 7.2.1), each message by itself. */
const deflated = (payload: string | Buffer): Buffer =>
  deflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

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

/** A deflate stream that says it is at its end, was cut, or damaged. */
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
  const text = random.pick(['', 'a', 'ü', 'xyz '.repeat(500), 'long '.repeat(15_000), 'wish']);
  const heard = `text ${text}`;
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
        heard: `ping ${text.slice(0, 30)}`,
      };
    case 4:
      return { frames: [{ opcode: OP.text, payload: text }], heard };
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
        heard,
      };
    }
    default:
      return { frames: [{ opcode: OP.text, payload: deflated(text), rsv: COMPRESSED }], heard };
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

const WISHES: readonly ((ws: ServerWebSocket, tcp: Duplex) => void)[] = [
  (ws) => ws.close(4000),
  (ws) => ws.terminate(),
  (_ws, tcp) => tcp.destroy(),
  (ws) => {
    ws.pause();
    setImmediate(() => ws.resume());
  },
];

interface Story {
  heard: string[];
  /** The close code that the server sent. */
  end: number | undefined;
  /** The test waited until everything was read. */
  isDrained: boolean;
}

/** What comes of so many bytes, in pieces. */
async function tell(random: Random, bytes: Buffer): Promise<Story> {
  const tcp = new Pieces();
  const heard: string[] = [];
  const ws = await open(tcp);
  tcp.written.length = 0;
  const wish = random.pick(WISHES);
  const closed = new Promise((resolve) => {
    ws.listener = {
      maxPayload: MAX_PAYLOAD,
      onMessage(data) {
        heard.push(`text ${data.toString()}`);
        if (data.toString() === 'wish') wish(ws, tcp);
      },
      onPing: (data) => heard.push(`ping ${String(data)}`),
      onPong: () => undefined,
      onError: () => undefined,
      onClosed: resolve,
    };
  });
  guardReceiver(ws);
  const longest = random.pick([4, 40, 4_000, 100_000]);
  for (let at = 0; at < bytes.length && !tcp.destroyed;) {
    const size = 1 + random.below(random.chance(0.5) ? 4 : longest);
    // a copy: masks are taken off in place
    tcp.push(Buffer.from(bytes.subarray(at, (at += size))));
    if (random.chance(0.2)) await new Promise(setImmediate);
  }
  // some end while a message is inflated
  const isDrained = random.chance(0.7);
  if (isDrained) await drained(ws, tcp);
  if (random.chance(0.5)) tcp.push(null);
  else tcp.destroy();
  await new Promise(setImmediate);
  tcp.destroy();
  await closed;
  const last = Buffer.concat(tcp.written).subarray(-4);
  const isClose = last.length === 4 && last[0] === (0x80 | OP.close) && last[1] === 2;
  return { heard, end: isClose ? last.readUInt16BE(2) : undefined, isDrained };
}

/** Everything that came is read and answered: a pong says so, unless the connection ends before. */
async function drained(ws: ServerWebSocket, tcp: Duplex): Promise<void> {
  const { listener } = ws;
  const last = new Promise<void>((resolve) => {
    ws.listener = { ...listener!, onPong: (data) => String(data) === 'last' && resolve() };
  });
  tcp.push(clientFrame({ opcode: OP.pong, payload: 'last' }));
  const ended = new Promise((resolve) => {
    const look = (): unknown => (ws.readyState === ServerWebSocket.OPEN ? setImmediate(look) : resolve(0));
    look();
  });
  await Promise.race([last, ended]);
}

async function runOne(random: Random, strays: UnhandledErrors): Promise<void> {
  const parts = Array.from({ length: 1 + random.below(8) }, () => randomPart(random));
  const key = random.chance(0.2) ? Buffer.alloc(4) : Buffer.from([1, 2, 254, 255]);
  const frames = parts.flatMap((part) => part.frames);
  const bytes = Buffer.concat(frames.map((frame) => clientFrame({ key, ...frame })));
  const { heard, end, isDrained } = await tell(random, bytes);
  await new Promise(setImmediate);
  check(strays.errors.length === 0, 'the process would have ended', strays.errors[0], frames);
  const firstEnd = parts.findIndex((part) => part.end !== undefined || part.isOpen === true);
  const known = firstEnd === -1 ? parts : parts.slice(0, firstEnd);
  const expected = known.flatMap((part) => part.heard ?? []);
  const isPrefix = heard.slice(0, expected.length).every((text, index) => text === expected[index]);
  check(isPrefix, 'it heard something else', heard, expected, frames);
  const ending = parts[firstEnd];
  if (ending?.isOpen === true) return;
  check(heard.length <= expected.length, 'it heard more than was said', heard, expected, frames);
  if (!isDrained || heard.includes('text wish')) return;
  check(heard.length === expected.length, 'it did not hear everything', heard, expected, frames);
  check(end === ending?.end, 'it closed with another code', end, ending?.end, frames);
}

describe('compressed messages in pieces', () => {
  fuzzLines('are heard, or end the connection, and never the process', 250, async () => {
    const strays = new UnhandledErrors();
    let turn = Promise.resolve();
    return {
      // one by one: what strays is that of the case under way
      run: (random) => (turn = turn.then(() => runOne(random, strays))),
      async finish() {
        expect(await strays.stop()).toEqual([]);
      },
    };
  });
});
