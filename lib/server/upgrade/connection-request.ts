import type { IncomingMessage } from 'node:http';
import type { ClientInfo, RateIdentity } from '../handshake/client-info.js';
import type { HandleProtocols } from '../handshake/subprotocols.js';
import type { EncodingOf } from './further-encoding.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Connection, ConnectionWatcher } from '../transport/connection.js';
import { publishRefusal, type HttpRefusal } from './http-refusal.js';

/** What a transport needs to open the connections of one path. */
export interface ConnectionTerms {
  readonly limits: ConnectionLimits;
  readonly watcher: ConnectionWatcher;
  /** Returns the encoding of a client that speaks the envelope protocol: the one that it asks for by its subprotocols. */
  readonly encodingOf: EncodingOf;
  /**
   * Selects one of the subprotocols that the client offers; `false`: none.
   *
   * @throws what the option `handleProtocols` throws
   */
  readonly selectProtocol: HandleProtocols;
}

/** A client's request to connect, on any transport, until it is accepted or refused. */
export interface ConnectionRequest {
  /** The HTTP request that the client connects with. */
  readonly httpRequest: IncomingMessage;
  /**
   * The client, if the transport was admitted and counted before, and may carry several connections; else `undefined`.
   */
  readonly carriedFor?: ClientInfo;
  /** The credentials that the client sends with the request, if it sends them beside the HTTP request. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Whether the request may come by HTTP/1.0, in which proxies such as nginx send plain requests: it needs no upgrade. */
  readonly takesOldHttp?: boolean;
  /** Whether the client has disconnected. */
  readonly isClosed: boolean;
  /** Calls back when the client disconnects before it is accepted. @returns a function that removes the callback */
  onClosed(callback: () => void): () => void;
  /** Checks the request against the rules of the transport. Calls back once, unless the client leaves before. */
  check(done: (refused: HttpRefusal | undefined) => void): void;
  /**
   * Returns the connection before it is open. Messages sent on it wait until then. Each call returns the same
   * connection.
   */
  connection(terms: ConnectionTerms): Connection;
  /**
   * Opens the connection.
   *
   * @param opened called when it is open; never called if the client has disconnected in the meantime
   * @throws what the application's code throws, such as the option `handleProtocols`
   */
  accept(terms: ConnectionTerms, opened: (connection: Connection) => void): void;
  /** Answers with a refusal, then closes the TCP connection. */
  refuse(refusal: HttpRefusal): void;
  /** Closes the TCP connection without an answer. */
  destroy(): void;
}

/**
 * Refuses a request to connect, and publishes that.
 *
 * @param identify see {@link publishRefusal}
 */
export function refuseRequest(
  request: ConnectionRequest,
  answer: HttpRefusal,
  identify: () => RateIdentity | undefined,
): void {
  publishRefusal(request.httpRequest, answer, identify);
  request.refuse(answer);
}
