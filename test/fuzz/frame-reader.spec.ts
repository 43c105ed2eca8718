import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { readAhead } from '../../lib/server/transport/frame-reader.js';
import { ServerWebSocket } from '../../lib/server/transport/server-web-socket.js';
import type { Random } from '../support/random.js';
import { clientFrame, closeBody, OP, type FrameSpec } from '../support/raw-client.js';
import { check, fuzzConnections } from './fuzz.js';
import { mutateBytes } from './mutator.js';

const MAX_PAYLOAD = 300;

/** A connection whose chunks the test controls, which a real TCP connection does not allow. */
class FakeConnection extends Duplex {
  readonly written: Buffer[] = [];
  override _read(): void {}
  override _write(bytes: Buffer, _: string, done: () => void): void {
    this.written.push(bytes);
    done();
  }
}

/** Returns what a server of `ws` received and sent, and its final state, with or without the frame reader. */
async function run(turns: readonly Buffer[][], isAhead: boolean): Promise<string[]> {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: ServerWebSocket,
    maxPayload: MAX_PAYLOAD,
    maxFragments: 8,
  });
  const tcp = new FakeConnection();
  const log: string[] = [];
  const ws = await open(server, tcp);
  tcp.written.length = 0;
  const closed = new Promise((resolve) => tcp.once('close', resolve));
  ws.listener = {
    maxPayload: MAX_PAYLOAD,
    onMessage(data, isBinary) {
      log.push(`${isBinary ? 'binary' : 'text'} ${data.toString(isBinary ? 'latin1' : 'utf8')}`);
      if (data.toString() === 'close') ws.close(4000, 'requested');
      if (data.toString() === 'terminate') ws.terminate();
      if (data.toString() === 'observe') ws.on('message', (seen) => log.push(`seen ${String(seen)}`));
      if (data.toString() === 'pause') {
        ws.pause();
        setImmediate(() => ws.resume());
      }
    },
    onPing: (data) => log.push(`ping ${String(data)}`),
    onPong: (data) => log.push(`pong ${String(data)}`),
    onError: (error) => log.push(`error ${error.message}`),
    onClosed: (code, reason) => log.push(`closed ${code} ${String(reason)}`),
  };
  if (isAhead) readAhead(tcp, ws);
  for (const pieces of turns) {
    // a copy: the reader unmasks in place
    for (const piece of pieces) tcp.push(Buffer.from(piece));
    await new Promise(setImmediate);
  }
  tcp.push(null);
  await new Promise(setImmediate);
  tcp.destroy();
  await closed;
  await new Promise(setImmediate);
  return [...log, `sent ${Buffer.concat(tcp.written).toString('latin1')}`, `state ${ws.readyState}`];
}

function open(server: WebSocketServer, tcp: Duplex): Promise<ServerWebSocket> {
  const request = new IncomingMessage(tcp as Socket);
  request.method = 'GET';
  request.url = '/';
  Object.assign(request.headers, {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  });
  return new Promise((resolve) =>
    server.handleUpgrade(request, tcp, Buffer.alloc(0), (ws) => resolve(ws as ServerWebSocket)),
  );
}

const TEXTS = ['', 'a', 'ü', '😀 and more', 'x'.repeat(125), 'y'.repeat(126), 'z'.repeat(MAX_PAYLOAD)];
const ACTIONS = ['close', 'terminate', 'observe', 'pause'];

function randomFrames(random: Random): FrameSpec[] {
  const text = random.pick(TEXTS);
  switch (random.below(24)) {
    case 0:
      return [{ opcode: OP.text, payload: random.pick(ACTIONS) }];
    case 1:
      return [{ opcode: OP.close, payload: closeBody(random.pick([1000, 1005, 4001]), text.slice(0, 100)) }];
    case 2:
      return [{ opcode: random.below(16), payload: text, fin: random.chance(0.5), rsv: random.below(8) }];
    case 3:
      return [{ opcode: OP.text, payload: text, mask: false }];
    case 4:
      return [{ opcode: OP.text, payload: mutateBytes(random, Buffer.from(text)) }];
    case 5:
      return [
        { opcode: OP.text, payload: text, claimedLength: random.pick([0, 126, 70_000, 2 ** 40, 2 ** 60]) },
      ];
    case 6:
      return [{ opcode: OP.text, payload: `${text}!`, lengthBytes: random.pick([2, 8] as const) }];
    case 7:
    case 8:
      return [{ opcode: OP.binary, payload: text }];
    case 9:
    case 10:
      return [{ opcode: random.pick([OP.ping, OP.pong]), payload: text.slice(0, 30) }];
    case 11:
    case 12: {
      const between = { opcode: OP.ping, payload: 'between' };
      const parts = [text.slice(0, 5), text.slice(5, 9), text.slice(9)].map((payload, index) => ({
        ...{ opcode: index === 0 ? OP.text : OP.continuation, payload, fin: index === 2 },
      }));
      return random.chance(0.3) ? [parts[0]!, between, ...parts.slice(1)] : parts;
    }
    default:
      return [{ opcode: OP.text, payload: text }];
  }
}

/** Splits bytes into chunks, and groups these into turns of the event loop. */
function cut(random: Random, bytes: Buffer): Buffer[][] {
  const longest = random.pick([1, 3, 20, 200, 5_000]);
  const turns: Buffer[][] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(longest);
    const piece = bytes.subarray(at, at + size);
    if (turns.length > 0 && random.chance(0.3)) turns.at(-1)!.push(piece);
    else turns.push([piece]);
    at += size;
  }
  return turns;
}

describe('the frame reader', () => {
  fuzzConnections('receives, answers and closes like `ws` alone', 1_500, async () => ({
    async run(random) {
      const frames = Array.from({ length: 1 + random.below(10) }, () => randomFrames(random)).flat();
      const key = random.chance(0.2) ? Buffer.alloc(4) : Buffer.from([1, 2, 254, 255]);
      const bytes = Buffer.concat(frames.map((frame) => clientFrame({ key, ...frame })));
      const whole = random.chance(0.2) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      const turns = cut(random, whole);
      const [ahead, alone] = await Promise.all([run(turns, true), run(turns, false)]);
      check(JSON.stringify(ahead) === JSON.stringify(alone), 'another outcome', ahead, alone, frames);
    },
    finish: async () => undefined,
  }));
});
