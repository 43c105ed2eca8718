import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hasCredentials, readAuth } from '../server/handshake/handshake.js';
import type { Connection } from '../server/transport/connection.js';
import type { ConnectionRequest, ConnectionTerms } from '../server/upgrade/connection-request.js';
import { refusal, type HttpRefusal } from '../server/upgrade/http-refusal.js';
import { ORIGIN_REFUSED } from '../server/upgrade/origin.js';
import { refuse } from './answer.js';
import type { Connections } from './connections.js';
import { HttpConnection, type HttpConnectionSettings } from './http-connection.js';
import { ownerOf } from './owner.js';
import { readBody } from './request-body.js';

/** Bytes of the credentials. */
const MAX_CREDENTIALS = 8_192;

const NO_JSON_TYPE = refusal(415, 'The header Content-Type must be application/json');
const NO_CREDENTIALS = refusal(400, 'The body must be a JSON object, {} without credentials');
const TOO_LARGE = refusal(413, 'The credentials have more than 8,192 bytes');
export const FOREIGN = refusal(403, ORIGIN_REFUSED);
export const TOO_SLOW = refusal(408, 'The body took too long');

/** What a request to connect needs of its transport. */
interface OpenSettings extends HttpConnectionSettings {
  readonly connections: Connections;
  readonly path: string;
  /** The names of the cookies that name the user. */
  readonly cookies: readonly string[];
}

/** The request that opens a connection, until it is answered by the connection's first response or a refusal. */
export class OpenRequest implements ConnectionRequest {
  readonly takesOldHttp = true;
  auth: Readonly<Record<string, unknown>> = {};
  private created: HttpConnection | undefined;
  private stopReading: (() => void) | undefined;
  private readonly isOwn: ReturnType<typeof ownerOf>;

  constructor(
    readonly httpRequest: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly settings: OpenSettings,
    /** Whether pages of its origin may connect. If not, its body is not read: the path's own check refuses it. */
    private readonly isOriginAllowed: boolean,
  ) {
    const { headers } = httpRequest;
    this.isOwn = ownerOf(httpRequest, settings.cookies);
    // a connection without a WebSocket has no subprotocol: its messages are JSON
    delete headers['sec-websocket-protocol'];
  }

  get isClosed(): boolean {
    return this.response.destroyed;
  }

  onClosed(callback: () => void): () => void {
    this.response.on('close', callback);
    return () => this.response.off('close', callback);
  }

  check(done: (refused: HttpRefusal | undefined) => void): void {
    if (!this.isOriginAllowed) return done(undefined);
    if (!/^application\/json\s*(?:;|$)/i.test(this.httpRequest.headers['content-type'] ?? ''))
      return done(NO_JSON_TYPE);
    const { bodyTimeout: timeout } = this.settings;
    this.stopReading = readBody(this.httpRequest, { maxBytes: MAX_CREDENTIALS, timeout }, (body) => {
      if (body === 'too slow') return done(TOO_SLOW);
      if (body === 'too large') return done(TOO_LARGE);
      const given = parseCredentials(body);
      if (given === undefined) return done(NO_CREDENTIALS);
      this.auth = hasCredentials(given) ? given : { ...given, ...this.readOther() };
      done(undefined);
    });
  }

  /** Returns the token of the header `Authorization` or of the query. */
  private readOther(): object {
    const { url = '' } = this.httpRequest;
    const token = new URLSearchParams(url.split('?', 2)[1]).get('token');
    return readAuth(this.httpRequest, token === null ? {} : { token });
  }

  connection({ limits, encodingOf }: ConnectionTerms): HttpConnection {
    return (this.created ??= new HttpConnection(encodingOf(this.httpRequest), limits, this.settings));
  }

  accept(terms: ConnectionTerms, opened: (connection: Connection) => void): void {
    if (this.isClosed) return;
    // a rule of the application may say something else the second time
    if (!this.isOriginAllowed) return this.refuse(FOREIGN);
    const { httpRequest: request, response, isOwn } = this;
    const { connections, path, pingTimeout, isListener } = this.settings;
    const connection = this.connection(terms);
    const { watcher } = terms;
    if (isListener) {
      connection.open({ key: null, request, response }, watcher, () => undefined);
    } else {
      const { id, key } = connections.create();
      connections.add(id, { connection, path, isOwn });
      connection.open({ key, request, response }, watcher, () => connections.ended(id, pingTimeout));
    }
    opened(connection);
  }

  refuse(answer: HttpRefusal): void {
    this.stopReading?.();
    refuse(this.httpRequest, this.response, answer);
  }

  destroy(): void {
    this.stopReading?.();
    this.response.destroy();
  }
}

function parseCredentials(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  if (body.length === 0) return {};
  try {
    const value: unknown = isUtf8(body) ? JSON.parse(body.toString()) : undefined;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
