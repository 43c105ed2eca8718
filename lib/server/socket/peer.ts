import { randomUUID } from 'node:crypto';
import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import { inspect, type InspectOptions } from 'node:util';
import { parseCookie } from 'cookie';
import type { Untyped } from '../../protocol/typed-events.js';
import { readHandshake, type Handshake } from '../handshake/handshake.js';
import { Connection } from '../transport/connection.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import { PackedRequest } from '../handshake/packed-request.js';
import { randomId } from '../util/random-id.js';
import type { ClientInfo } from '../handshake/client-info.js';

const REQUEST_ID = /^[\x20-\x7e]{1,128}$/;

/** Who is on the line: what the upgrade request told, as Socket.IO and as HTTP guards read it. */
export abstract class Peer extends Connection {
  /** The socket's id: 20 random characters, also the name of its own room. */
  readonly id: string = randomId();
  /** The user, where a guard established one. */
  user: Untyped = undefined;
  private readonly issued = Date.now();
  private handshakeRead: Handshake | undefined;
  private madeRequestId: string | undefined;
  private cookiesRead: Readonly<Record<string, string | undefined>> | undefined;

  private upgrade: IncomingMessage | PackedRequest;
  private isRequestShown = false;

  constructor(
    request: IncomingMessage,
    /** The values of `:params` in the gateway's path. */
    readonly params: Readonly<Record<string, string>>,
    /** @internal */
    readonly _clientInfo: ClientInfo,
    limits: ConnectionLimits,
  ) {
    super(request, limits);
    this.upgrade = request;
  }

  /** @internal Somebody was given the request: it stays the same object. */
  _keepRequest(): void {
    this.isRequestShown = true;
  }

  /** @internal The client was let in: its request is kept as it is only where somebody was given it. */
  _packRequest(): void {
    if (!this.isRequestShown && this.upgrade instanceof IncomingMessage)
      this.upgrade = PackedRequest.pack(this.upgrade) ?? this.upgrade;
  }

  /** @internal The client is one that was here before. */
  protected assumeId(id: string): void {
    (this as { id: string }).id = id;
  }

  /** How the connection began; see {@link Handshake}. */
  get handshake(): Handshake {
    return (this.handshakeRead ??= readHandshake(
      this.unpackRequest(),
      this.issued,
      this.params,
      this._clientInfo,
    ));
  }
  /** The upgrade request. `headers.authorization` has the token, wherever the client sent it. */
  get request(): IncomingMessage {
    const request = this.unpackRequest();
    // reading the handshake fills in the header
    void this.handshake;
    return request;
  }

  private unpackRequest(): IncomingMessage {
    this.isRequestShown = true;
    if (this.upgrade instanceof PackedRequest) this.upgrade = this.upgrade.unpack(this.tcp);
    return this.upgrade;
  }

  /** @internal The handshake, where somebody has asked for it. */
  get _handshakeRead(): Handshake | undefined {
    return this.handshakeRead;
  }
  /** @internal The upgrade request, where somebody may have written on it. */
  get _requestShown(): IncomingMessage | undefined {
    return this.upgrade instanceof IncomingMessage ? this.upgrade : undefined;
  }
  /** The headers of the upgrade request. */
  get headers(): IncomingHttpHeaders {
    return this.handshake.headers;
  }
  /** The URL of the upgrade request: path and query. */
  get url(): string {
    return this.handshake.url;
  }
  /** The query of the upgrade request. */
  get query(): Handshake['query'] {
    return this.handshake.query;
  }
  /** The cookies of the upgrade request, as `cookie-parser` gives them to HTTP handlers. */
  get cookies(): Readonly<Record<string, string | undefined>> {
    return (this.cookiesRead ??= parseCookie(this.request.headers.cookie ?? ''));
  }
  /** The peer's address; behind a proxy that `trustProxy` names, the one that the proxy saw. */
  get ip(): string {
    return this._clientInfo.address;
  }
  /** A name for this connection in logs: the `x-request-id` header, else made here. */
  get requestId(): string {
    // not `request`, which is given to nobody here
    const given = this.upgrade.headers['x-request-id'];
    // it goes into logs and terminals
    if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
    return (this.madeRequestId ??= randomUUID());
  }
  /** @internal Milliseconds since it came. */
  get _age(): number {
    return Date.now() - this.issued;
  }
  /** What a log or a careless serialiser sees: no header, no token, no payload. */
  toJSON(): { id: string } {
    return { id: this.id };
  }

  /** The same for `console.log` and Nest's logger. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  }
}
