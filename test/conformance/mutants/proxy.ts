import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { clientFrame, OP, parseFrame, type RawFrame } from '../../support/raw-client.js';

/** A proxied frame without its mask. */
export interface ProxiedFrame extends RawFrame {
  /** The payload of a text frame that is a JSON object. */
  message?: Record<string, unknown>;
}

/** How a proxy changes a connection between a client and a server. Without a function, everything passes unchanged. */
export interface Change {
  /** Returns another head of the upgrade request. */
  head?(text: string): string;
  /** Returns the frames to forward in place of one from the client. */
  fromClient?(frame: ProxiedFrame, line: ProxiedConnection): Buffer[];
  /** Returns the frames to forward in place of one from the server. */
  fromServer?(frame: ProxiedFrame, line: ProxiedConnection): Buffer[];
}

export interface ProxiedConnection {
  client: Socket;
  server: Socket;
}

/** Encodes a frame of a server: like that of a client, but not masked. */
export function serverFrame(opcode: number, payload: string | Buffer): Buffer {
  return clientFrame({ opcode, payload, mask: false });
}

/** Encode a message of either side. */
export const asServer = (message: object): Buffer => serverFrame(OP.text, JSON.stringify(message));
export const asClient = (message: object): Buffer =>
  clientFrame({ opcode: OP.text, payload: JSON.stringify(message) });

/** A proxy in proxyUrl of a server that turns it into a faulty one by one change. */
export class MutantProxy {
  private readonly server: Server;
  private readonly open = new Set<Socket>();

  private constructor(
    private readonly target: number,
    private readonly change: Change,
  ) {
    this.server = createServer((client) => this.forward(client));
  }

  /** @param url the URL of the server */
  static async start(url: string, change: Change): Promise<{ url: string; close(): Promise<void> }> {
    const proxy = new MutantProxy(Number(new URL(url).port), change);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    const proxyUrl = new URL(url);
    proxyUrl.port = String((proxy.server.address() as AddressInfo).port);
    return { url: proxyUrl.href, close: () => proxy.close() };
  }

  private async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(client: Socket): void {
    const line = { client, server: connect(this.target, '127.0.0.1') };
    const { head, fromClient, fromServer } = this.change;
    for (const [from, to, headOf, frameOf] of [
      [client, line.server, head, fromClient],
      [line.server, client, undefined, fromServer],
    ] as const) {
      this.open.add(from);
      from.on('data', frameForwarder(line, to, headOf, frameOf));
      from.on('end', () => to.end());
      from.on('error', () => undefined);
      from.on('close', () => {
        this.open.delete(from);
        to.destroy();
      });
    }
  }
}

/** Parses an HTTP head and then frames, and forwards what the change returns for them. */
function frameForwarder(
  line: ProxiedConnection,
  to: Socket,
  headOf: Change['head'],
  frameOf: Change['fromClient'],
): (chunk: Buffer) => void {
  let [bytes, isOpen]: [Buffer, boolean] = [Buffer.alloc(0), false];
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (!isOpen) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end === -1) return;
      const text = bytes.subarray(0, end + 4).toString('latin1');
      // a refused upgrade has a body, and no frames
      isOpen = /^GET |^HTTP\/1\.1 101 /.test(text);
      to.write(headOf?.(text) ?? text, 'latin1');
      bytes = bytes.subarray(end + 4);
      if (!isOpen) {
        to.write(bytes);
        bytes = Buffer.alloc(0);
        return;
      }
    }
    for (let frame = parseFrame(bytes); frame !== undefined; frame = parseFrame(bytes)) {
      bytes = bytes.subarray(frame.bytes.length);
      for (const next of frameOf?.(proxiedFrame(frame), line) ?? [frame.bytes]) to.write(next);
    }
  };
}

function proxiedFrame(frame: RawFrame): ProxiedFrame {
  const key = frame.bytes.subarray(frame.bytes.length - frame.payload.length - 4);
  const payload = frame.masked ? frame.payload.map((byte, index) => byte ^ key[index % 4]!) : frame.payload;
  const plain = { ...frame, payload: Buffer.from(payload) };
  if (frame.opcode !== OP.text || !frame.fin) return plain;
  try {
    const message: unknown = JSON.parse(plain.payload.toString());
    return typeof message === 'object' && message !== null && !Array.isArray(message)
      ? { ...plain, message: message as Record<string, unknown> }
      : plain;
  } catch {
    return plain;
  }
}
