import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { readHandshake, type Handshake } from './handshake.js';
import { Line } from './line.js';

const MAX_REQUEST_ID_LENGTH = 128;

/** Who is on the line: what the upgrade request told, as Socket.IO and as HTTP guards read it. */
export abstract class Peer extends Line {
  /** The socket's id: 20 random characters, also the name of its own room. */
  readonly id: string = randomBytes(15).toString('base64url');
  private readonly issued = Date.now();
  private handshakeRead: Handshake | undefined;
  private madeRequestId: string | undefined;
  private readonly address: string;

  constructor(
    ws: WebSocket,
    private readonly upgrade: IncomingMessage,
    private readonly params: Record<string, string>,
  ) {
    super(ws, upgrade);
    this.address = upgrade.socket.remoteAddress ?? '';
  }

  /** How the connection began; see {@link Handshake}. */
  get handshake(): Handshake {
    return (this.handshakeRead ??= readHandshake(this.upgrade, this.issued, this.params, this.address));
  }
  /** The upgrade request. */
  get request(): IncomingMessage {
    return this.upgrade;
  }
  get headers(): IncomingHttpHeaders {
    return this.handshake.headers;
  }
  get url(): string {
    return this.handshake.url;
  }
  get query(): Handshake['query'] {
    return this.handshake.query;
  }
  /** The peer's address. */
  get ip(): string {
    return this.address;
  }
  /** A name for this connection in logs: the `x-request-id` header, else made here. */
  get requestId(): string {
    const given = this.upgrade.headers['x-request-id'];
    if (typeof given === 'string' && given.length <= MAX_REQUEST_ID_LENGTH) return given;
    return (this.madeRequestId ??= randomUUID());
  }
  /** The little of Engine.IO's connection that gateways read. */
  get conn(): { readonly remoteAddress: string } {
    return { remoteAddress: this.ip };
  }

  /** What a log or a careless serialiser sees: no header, no token, no payload. */
  toJSON(): { id: string } {
    return { id: this.id };
  }
}
