import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** RFC 6455, section 5.2. */
export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame to send, with control over each bit. */
export interface FrameSpec {
  opcode: number;
  payload?: string | Buffer;
  fin?: boolean;
  /** The three reserved bits, 0 to 7. */
  rsv?: number;
  /** `false` sends an unmasked frame, which a client must not do. */
  mask?: boolean;
  /** The length in the header, if other than that of the payload. */
  claimedLength?: number;
  /** The bytes of the extended length: 0, 2 or 8. Default: the shortest form. */
  lengthBytes?: 0 | 2 | 8;
  /** The four bytes of the masking key. Default: random bytes. */
  key?: Buffer;
}

/** A received frame, parsed. */
export interface RawFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  payload: Buffer;
  /** The bytes of the whole frame. */
  bytes: Buffer;
}

function lengthField(length: number, lengthBytes: 0 | 2 | 8): { short: number; rest: Buffer } {
  if (lengthBytes === 0) return { short: length, rest: Buffer.alloc(0) };
  const rest = Buffer.alloc(lengthBytes);
  if (lengthBytes === 2) rest.writeUInt16BE(length);
  else rest.writeBigUInt64BE(BigInt(length));
  return { short: lengthBytes === 2 ? 126 : 127, rest };
}

/** Encodes a frame as a client sends it. */
export function clientFrame(spec: FrameSpec): Buffer {
  const payload = Buffer.from(spec.payload ?? '');
  const length = spec.claimedLength ?? payload.length;
  const lengthBytes = spec.lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const { short, rest } = lengthField(length, lengthBytes);
  const masked = spec.mask !== false;
  const head = Buffer.from([
    (spec.fin === false ? 0 : 0x80) | ((spec.rsv ?? 0) << 4) | spec.opcode,
    (masked ? 0x80 : 0) | short,
  ]);
  if (!masked) return Buffer.concat([head, rest, payload]);
  const key = spec.key ?? randomBytes(4);
  return Buffer.concat([head, rest, key, payload.map((byte, index) => byte ^ key[index % 4]!)]);
}

/** Returns the payload of a close frame. */
export function closeBody(code: number, reason: string | Buffer = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** Parses the first frame of the bytes. Returns `undefined` when it is incomplete. */
export function parseFrame(bytes: Buffer): RawFrame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (bytes[1]! & 0x80) !== 0;
  const start = 2 + lengthBytes + (masked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + length) return undefined;
  return {
    fin: (bytes[0]! & 0x80) !== 0,
    rsv: (bytes[0]! >> 4) & 7,
    opcode: bytes[0]! & 0x0f,
    masked,
    payload: bytes.subarray(start, start + length),
    bytes: bytes.subarray(0, start + length),
  };
}

const TIMEOUT = 5_000;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const open = new Set<Socket>();

/** Closes all raw clients that are open. */
export function closeRawClients(): void {
  for (const tcp of open) tcp.destroy();
}

/**
 * A WebSocket client on raw TCP: the test controls each sent byte and sees each received byte. Closed after the test.
 */
export class RawClient {
  /** The head of the response to the upgrade request. */
  head = '';
  /** Whether the TCP connection is closed. */
  isClosed = false;
  private buffered: Buffer = Buffer.alloc(0);
  private notify: () => void = () => undefined;

  protected constructor(
    readonly tcp: Socket,
    private readonly timeout: number,
  ) {
    open.add(tcp);
    tcp.on('data', (chunk) => {
      this.buffered = Buffer.concat([this.buffered, chunk]);
      this.notify();
    });
    // tests also expect servers that reset the connection during a write
    tcp.on('error', () => undefined);
    tcp.on('close', () => {
      open.delete(tcp);
      this.isClosed = true;
      this.notify();
    });
  }

  /** Connects. Fails unless the server switches protocols with the right key. */
  static async connect(
    port: number,
    path: string,
    headers: Record<string, string> = {},
    timeout = TIMEOUT,
    host = '127.0.0.1',
  ): Promise<RawClient> {
    const client = new this(connect(port, host), timeout);
    const key = randomBytes(16).toString('base64');
    const fields = {
      Host: `${host}:${port}`,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
      ...headers,
    };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    client.tcp.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    await client.until('the head of an answer', () => client.buffered.includes('\r\n\r\n'));
    const end = client.buffered.indexOf('\r\n\r\n') + 4;
    client.head = client.buffered.subarray(0, end).toString('latin1');
    client.buffered = client.buffered.subarray(end);
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    if (!client.head.startsWith('HTTP/1.1 101 ') || !client.head.includes(`: ${accept}\r\n`)) {
      client.tcp.destroy();
      throw new Error(`no WebSocket: ${client.head}`);
    }
    return client;
  }

  /** Sends frames in one write. */
  send(...frames: (FrameSpec | Buffer)[]): void {
    this.tcp.write(
      Buffer.concat(frames.map((frame) => (Buffer.isBuffer(frame) ? frame : clientFrame(frame)))),
    );
  }

  /** Sends a text frame. An object is encoded as JSON. */
  text(message: string | object): void {
    this.send({ opcode: OP.text, payload: typeof message === 'string' ? message : JSON.stringify(message) });
  }

  /** Resolves with the next frame of the server. Rejects when the connection closes first. */
  async frame(): Promise<RawFrame> {
    const frame = await this.frameOrEnd();
    if (frame === undefined) throw new Error('the connection closed before a frame arrived');
    return frame;
  }

  /** Resolves with the next frame, or with `undefined` when the connection closes first. */
  async frameOrEnd(): Promise<RawFrame | undefined> {
    let frame: RawFrame | undefined;
    await this.until('a frame', () => (frame = parseFrame(this.buffered)) !== undefined || this.isClosed);
    if (frame !== undefined) this.buffered = this.buffered.subarray(frame.bytes.length);
    return frame;
  }

  /** Resolves with the payload of the next frame as text. */
  async message(): Promise<string> {
    const { payload } = await this.frame();
    return payload.toString();
  }

  /** Resolves with the code and reason of the next frame, which must be a close frame. */
  async close(): Promise<{ code: number; reason: string }> {
    const { opcode, payload } = await this.frame();
    if (opcode !== OP.close) throw new Error(`no close frame, but opcode ${opcode}: ${payload.toString()}`);
    if (payload.length === 0) return { code: 1005, reason: '' };
    return { code: payload.readUInt16BE(), reason: payload.subarray(2).toString() };
  }

  /** Resolves when the server has closed the TCP connection, with the bytes after the last frame that was read. */
  async ended(): Promise<Buffer> {
    await this.until('the end of the connection', () => this.isClosed);
    return this.buffered;
  }

  private async until(what: string, condition: () => boolean): Promise<void> {
    const trace = new Error(`${what} did not arrive within ${this.timeout} ms`);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(trace), this.timeout);
      this.notify = () => {
        if (!condition()) return;
        clearTimeout(timer);
        this.notify = () => undefined;
        resolve();
      };
      this.notify();
    });
  }
}
