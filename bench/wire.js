// A WebSocket client that costs next to nothing: it writes frames that are there, and counts those that come.
import { connect } from 'node:net';

const MASK = 0x80;
const PING = 9;
const CLOSE = 8;
/** The first letter of the event that is broadcast, and of no other. */
const NEWS = 'n'.charCodeAt(0);

/** A text frame as clients send it; with a mask of zeros the payload stays as it is (RFC 6455, section 5.3). */
export function frameOf(content, opcode = 1) {
  const payload = Buffer.from(content);
  const { length } = payload;
  const size = length < 126 ? [MASK | length] : [MASK | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size, 0, 0, 0, 0]), payload]);
}

/** 1000 (section 7.4.1). */
const GOODBYE = frameOf(Buffer.from([0x03, 0xe8]), CLOSE);

/** How each protocol says the same; `path` is what it connects to. */
export const WIRES = {
  envelope: {
    path: '/ws',
    // where the event's name begins
    name: '{"event":"'.length,
    emit: (event, data) => frameOf(JSON.stringify({ event, data })),
    ask: (event, data, id) => frameOf(JSON.stringify({ event, data, id })),
    hello: 0,
  },
  // as much of Engine.IO 4 and Socket.IO 5 as it takes
  'socket.io': {
    path: '/ws/?EIO=4&transport=websocket',
    name: '42["'.length,
    emit: (event, data) => frameOf(`42${JSON.stringify([event, data])}`),
    ask: (event, data, id) => frameOf(`42${id}${JSON.stringify([event, data])}`),
    // the engine's and the namespace's
    hello: 2,
    greeting: frameOf('40'),
  },
};

/** One connection. */
export class Line {
  /** Told of each message, and whether it is one of the broadcasts, as far as that has come with its head. */
  onMessage = () => undefined;
  #tcp;
  /** Bytes of the frame under way that are still to come. */
  #left = 0;
  #rest;
  #name;

  constructor(tcp, wire) {
    this.#tcp = tcp;
    this.#name = wire.name;
    tcp.on('data', (chunk) => {
      // what is said in answer to one piece is one write
      tcp.cork();
      this.#take(chunk);
      tcp.uncork();
    });
  }

  /** @returns a promise of an open line, once the server has said its hello */
  static open(port, wire, localAddress) {
    return new Promise((resolve, reject) => {
      const tcp = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
      const failed = () => reject(new Error('the server closed the connection'));
      tcp.once('error', reject).once('close', failed);
      tcp.once('connect', () => {
        tcp.write(
          `GET ${wire.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        );
      });
      tcp.once('data', (answer) => {
        const end = answer.indexOf('\r\n\r\n');
        if (!answer.toString('latin1', 0, 13).startsWith('HTTP/1.1 101') || end < 0)
          return reject(new Error(answer.toString('latin1').slice(0, 200)));
        tcp.off('close', failed);
        const line = new Line(tcp, wire);
        let hellos = wire.hello;
        const ready = () => {
          line.onMessage = () => undefined;
          resolve(line);
        };
        line.onMessage = () => {
          if (--hellos === 1 && wire.greeting !== undefined) line.write(wire.greeting);
          if (hellos === 0) ready();
        };
        if (answer.length > end + 4) line.#take(answer.subarray(end + 4));
        if (hellos === 0) ready();
      });
    });
  }

  write(frame) {
    this.#tcp.write(frame);
  }

  /** Without a word. */
  drop() {
    this.#tcp.destroy();
  }

  /** With a close frame; resolves when the server has closed, too. */
  close() {
    const closed = new Promise((resolve) => this.#tcp.once('close', resolve));
    this.write(GOODBYE);
    return closed;
  }

  #take(chunk) {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    for (;;) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at);
        at += taken;
        this.#left -= taken;
        if (this.#left > 0) return;
      }
      if (bytes.length - at < 2) break;
      const short = bytes[at + 1];
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length - at < head) break;
      const opcode = bytes[at] & 15;
      this.#left =
        head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      at += head;
      if (opcode === PING) this.write(frameOf('', 10));
      else if (opcode === CLOSE) this.#tcp.end();
      else this.onMessage(this, bytes[at + this.#name] === NEWS);
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at);
  }
}
