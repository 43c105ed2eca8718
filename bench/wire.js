// A WebSocket client that costs almost nothing: it writes prebuilt frames and counts the frames that it receives.
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { constants, deflateRawSync } from 'node:zlib';
import { HttpStreamingConnection } from './http-streaming.js';
import { PollingConnection } from './polling.js';

const MASK = 0x80;
const COMPRESSED_TEXT = 0x41;
const PING = 9;
const CLOSE = 8;
/** Engine.IO's own ping, as the payload of a text frame. */
const ENGINE_PING = '2'.charCodeAt(0);
/** The first letter of the broadcast event. No other event begins with it. */
const BROADCAST = 'n'.charCodeAt(0);

/** Returns a client's frame. A mask of zeros leaves the payload as it is (RFC 6455, section 5.3). */
export function frameOf(content, opcode = 1) {
  const payload = Buffer.from(content);
  return Buffer.concat([Buffer.from([0x80 | opcode, ...lengthField(payload.length), 0, 0, 0, 0]), payload]);
}

function lengthField(length) {
  if (length < 126) return [MASK | length];
  if (length < 65_536) return [MASK | 126, length >> 8, length & 255];
  return [MASK | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
}

/** Returns a client's frame with a compressed text (RFC 7692, section 7.2.1). */
const compressedFrameOf = (text) =>
  frameOf(deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4), COMPRESSED_TEXT);

/** Close code 1000 (section 7.4.1). */
const NORMAL_CLOSURE = frameOf(Buffer.from([0x03, 0xe8]), CLOSE);

// the part of Engine.IO 4 and Socket.IO 5 that the bench needs
const socketIO = (transport, pack, namespace = '') => ({
  path: `/socket.io/?EIO=4&transport=${transport}`,
  emit: (event, data) => pack(`42${namespace}${JSON.stringify([event, data])}`),
  request: (event, data, id) => pack(`42${namespace}${id}${JSON.stringify([event, data])}`),
  connect: pack(`40${namespace}`),
});
const socketIOWebSocket = (namespace = '') => ({
  ...socketIO('websocket', (packet) => frameOf(packet), namespace),
  name: `42${namespace}["`.length,
  // Engine.IO's "open" and the namespace's "connect"
  welcome: 2,
  pong: frameOf('3'),
});

const envelope = {
  path: '/ws',
  // the offset of the event's name
  name: '{"event":"'.length,
  emit: (event, data) => frameOf(JSON.stringify({ event, data })),
  request: (event, data, id, key) =>
    frameOf(JSON.stringify({ event, data, id, ...(key !== undefined && { meta: { key } }) })),
  welcome: 0,
};

/** How each protocol encodes the same messages. `welcome` counts the messages that a server sends to a new client. */
export const PROTOCOLS = {
  envelope,
  // as browsers do; received messages are counted, and not decompressed
  'envelope, compressed': {
    ...envelope,
    extensions: 'permessage-deflate; client_max_window_bits',
    emit: (event, data) => compressedFrameOf(JSON.stringify({ event, data })),
    request: (event, data, id) => compressedFrameOf(JSON.stringify({ event, data, id })),
  },
  'socket.io': socketIOWebSocket(),
  'socket.io in /ws': socketIOWebSocket('/ws,'),
  http: {
    open: HttpStreamingConnection.open,
    emit: (event, data) => `${JSON.stringify({ event, data })}\n`,
    request: (event, data, id) => `${JSON.stringify({ event, data, id })}\n`,
    broadcast: '{"event":"n',
  },
  'socket.io polling': { ...socketIO('polling', (packet) => packet), broadcast: '42["n' },
};

/** Opens a connection, with TLS where it is `secure`. Resolves when the server's welcome messages have arrived. */
export const open = (port, wire, localAddress, secure = false) =>
  wire.open?.(port, wire, localAddress) ??
  (wire.welcome === undefined ? PollingConnection : Connection).open(port, wire, localAddress, secure);

/** One connection. */
class Connection {
  /**
   * Called with this connection for each message, and with whether it is a broadcast, as far as the chunk that holds
   * the frame's header shows it.
   */
  onMessage = () => undefined;
  #tcp;
  /** Bytes of the current frame that have not arrived yet. */
  #left = 0;
  #rest;
  #name;
  /** The answer to Engine.IO's ping. */
  #pong;

  constructor(tcp, wire) {
    this.#tcp = tcp;
    this.#name = wire.name;
    this.#pong = wire.pong;
    tcp.on('data', (chunk) => {
      // sends all responses to one chunk in one write
      tcp.cork();
      this.#receive(chunk);
      tcp.uncork();
    });
  }

  /** Opens a connection. Resolves when the server's welcome messages have arrived. */
  static open(port, wire, localAddress, secure) {
    return new Promise((resolve, reject) => {
      const target = { port, host: '127.0.0.1', localAddress, noDelay: true };
      const tcp = secure ? connectSecurely({ ...target, rejectUnauthorized: false }) : connect(target);
      const failed = () => reject(new Error('the server closed the connection'));
      tcp.once('error', reject).once('close', failed);
      tcp.once(secure ? 'secureConnect' : 'connect', () => {
        tcp.write(
          `GET ${wire.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
            (wire.extensions === undefined ? '' : `Sec-WebSocket-Extensions: ${wire.extensions}\r\n`) +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        );
      });
      tcp.once('data', (response) => {
        const end = response.indexOf('\r\n\r\n');
        if (!response.toString('latin1', 0, 13).startsWith('HTTP/1.1 101') || end < 0)
          return reject(new Error(response.toString('latin1').slice(0, 200)));
        tcp.off('close', failed);
        const connection = new Connection(tcp, wire);
        let pending = wire.welcome;
        const ready = () => {
          connection.onMessage = () => undefined;
          resolve(connection);
        };
        connection.onMessage = () => {
          if (--pending === 1 && wire.connect !== undefined) connection.write(wire.connect);
          if (pending === 0) ready();
        };
        if (response.length > end + 4) connection.#receive(response.subarray(end + 4));
        if (pending === 0) ready();
      });
    });
  }

  write(frame) {
    this.#tcp.write(frame);
  }

  /** Closes the TCP connection without a close frame. */
  drop() {
    this.#tcp.destroy();
  }

  /** Sends a close frame. Resolves when the server has closed the connection. */
  close() {
    const closed = new Promise((resolve) => this.#tcp.once('close', resolve));
    this.write(NORMAL_CLOSURE);
    return closed;
  }

  #receive(chunk) {
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
      else if (short === 1 && bytes[at] === ENGINE_PING) this.write(this.#pong);
      else this.onMessage(this, bytes[at + this.#name] === BROADCAST);
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at);
  }
}
