import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { parseCookie } from 'cookie';
import type { ClientInfo } from './client-info.js';
import { readHandshake, type Handshake } from './handshake.js';
import { headersOf, packRequest, unpackRequest, type PackedRequest } from './packed-request.js';

/** What a request id may look like: it goes into logs and terminals. */
const REQUEST_ID = /^[\x20-\x7e]{1,128}$/;

/**
 * Times are kept from here on: small integers, which take no memory of their own, for the first 24 days. A difference is one
 * only when it was rounded.
 */
const STARTED_AT = Date.now();

/** What few clients have: code of the application has read it, or the client sent it beside the request. */
interface Details {
  /** The credentials that the client sent beside the request; `undefined`: they are in the request. */
  readonly auth?: Readonly<Record<string, unknown>>;
  handshake?: Handshake;
  cookies?: Readonly<Record<string, string | undefined>>;
  id?: string;
}

/** The request that a client connected with, read on demand: as Socket.IO's handshake, and as HTTP guards read it. */
export class UpgradeRequest {
  /** Milliseconds since {@link STARTED_AT}. */
  private readonly issued = Math.round(Date.now() - STARTED_AT);
  private readonly tcp: Socket;
  private upgrade: IncomingMessage | PackedRequest;
  private isShown = false;
  private details: Details | undefined;

  constructor(
    request: IncomingMessage,
    /** The values of `:params` in the gateway's path. */
    readonly params: Readonly<Record<string, string>>,
    readonly clientInfo: ClientInfo,
    /** See {@link Details.auth}. */
    auth?: Readonly<Record<string, unknown>>,
  ) {
    this.upgrade = request;
    this.tcp = request.socket;
    this.details = auth && { auth };
  }

  /** Keeps the request object, since code of the application has it. */
  keep(): void {
    this.isShown = true;
  }

  /** Packs the request, unless code of the application has it: an idle connection then takes up to 3 kB less. */
  pack(): void {
    if (!this.isShown && typeof this.upgrade !== 'string')
      this.upgrade = packRequest(this.upgrade) ?? this.upgrade;
  }

  /** The handshake; see {@link Handshake}. */
  get handshake(): Handshake {
    const details = (this.details ??= {});
    return (details.handshake ??= readHandshake(
      this.unpack(),
      STARTED_AT + this.issued,
      this.params,
      this.clientInfo,
      details.auth,
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
    if (typeof this.upgrade === 'string') this.upgrade = unpackRequest(this.upgrade, this.tcp);
    return this.upgrade;
  }

  /** The handshake, if it was read. */
  get shownHandshake(): Handshake | undefined {
    return this.details?.handshake;
  }

  /** The HTTP request, if code of the application may have written on it. */
  get shownMessage(): IncomingMessage | undefined {
    return typeof this.upgrade === 'string' ? undefined : this.upgrade;
  }

  /** The cookies, as `cookie-parser` gives them to HTTP handlers. */
  get cookies(): Readonly<Record<string, string | undefined>> {
    const { cookie } = this.message.headers;
    return ((this.details ??= {}).cookies ??= parseCookie(cookie ?? ''));
  }

  /** The `x-request-id` header, else a UUID. */
  get id(): string {
    // not `message`, which would keep the request unpacked
    const { upgrade } = this;
    const headers = typeof upgrade === 'string' ? headersOf(upgrade) : upgrade.headers;
    const given = headers['x-request-id'];
    if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
    return ((this.details ??= {}).id ??= randomUUID());
  }

  /** Milliseconds since the request arrived. */
  get age(): number {
    return Date.now() - STARTED_AT - this.issued;
  }
}
