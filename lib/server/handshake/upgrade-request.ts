import { randomUUID } from 'node:crypto';
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { parseCookie } from 'cookie';
import type { ClientInfo } from './client-info.js';
import { readHandshake, type Handshake } from './handshake.js';
import { PackedRequest } from './packed-request.js';

/** What a request id may look like: it goes into logs and terminals. */
const REQUEST_ID = /^[\x20-\x7e]{1,128}$/;

/** The request that a client connected with, read on demand: as Socket.IO's handshake, and as HTTP guards read it. */
export class UpgradeRequest {
  private readonly issued = Date.now();
  private readonly tcp: Socket;
  private upgrade: IncomingMessage | PackedRequest;
  private isShown = false;
  private handshakeRead: Handshake | undefined;
  private cookiesRead: Readonly<Record<string, string | undefined>> | undefined;
  private madeId: string | undefined;

  constructor(
    request: IncomingMessage,
    /** The values of `:params` in the gateway's path. */
    readonly params: Readonly<Record<string, string>>,
    readonly clientInfo: ClientInfo,
    /** The credentials that the client sent beside the request; `undefined`: they are in the request. */
    private readonly auth?: Readonly<Record<string, unknown>>,
  ) {
    this.upgrade = request;
    this.tcp = request.socket;
  }

  /** Keeps the request object, since code of the application has it. */
  keep(): void {
    this.isShown = true;
  }

  /** Packs the request, unless code of the application has it: an idle connection then takes up to 3 kB less. */
  pack(): void {
    if (!this.isShown && this.upgrade instanceof IncomingMessage)
      this.upgrade = PackedRequest.pack(this.upgrade) ?? this.upgrade;
  }

  /** The handshake; see {@link Handshake}. */
  get handshake(): Handshake {
    return (this.handshakeRead ??= readHandshake(
      this.unpack(),
      this.issued,
      this.params,
      this.clientInfo,
      this.auth,
    ));
  }

  /** The HTTP request, with the token in `headers.authorization`, wherever the client sent it. */
  get message(): IncomingMessage {
    const request = this.unpack();
    // reading the handshake sets the header
    void this.handshake;
    return request;
  }

  private unpack(): IncomingMessage {
    this.isShown = true;
    if (this.upgrade instanceof PackedRequest) this.upgrade = this.upgrade.unpack(this.tcp);
    return this.upgrade;
  }

  /** The handshake, if it was read. */
  get shownHandshake(): Handshake | undefined {
    return this.handshakeRead;
  }

  /** The HTTP request, if code of the application may have written on it. */
  get shownMessage(): IncomingMessage | undefined {
    return this.upgrade instanceof IncomingMessage ? this.upgrade : undefined;
  }

  /** The cookies, as `cookie-parser` gives them to HTTP handlers. */
  get cookies(): Readonly<Record<string, string | undefined>> {
    return (this.cookiesRead ??= parseCookie(this.message.headers.cookie ?? ''));
  }

  /** The `x-request-id` header, else a UUID. */
  get id(): string {
    // not `message`, which would keep the request unpacked
    const given = this.upgrade.headers['x-request-id'];
    if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
    return (this.madeId ??= randomUUID());
  }

  /** Milliseconds since the request arrived. */
  get age(): number {
    return Date.now() - this.issued;
  }
}
