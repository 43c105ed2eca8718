import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ClientInfo, RateIdentity } from '../handshake/client-info.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { WebSocketOptions } from '../transport/web-socket-acceptor.js';
import type { ConnectionRequest } from './connection-request.js';
import type { FoundEndpoint } from './endpoint-registry.js';
import type { HttpRefusal } from './http-refusal.js';
import type { CorsOptions } from './origin.js';
import type { HandleUpgrade } from './upgrade-router.js';

/** Handles a plain HTTP request, and owns its response from then on. */
export type HandleRequest = (request: IncomingMessage, response: ServerResponse) => void;

/** A transport beside plain WebSockets, for the adapter's option `transports`: what `socketIO()` returns. */
export interface Transport {
  /** The name, for errors: `socketIO`. */
  readonly name: string;
  /** @internal Whether messages on it can carry bytes. JSON clients then receive bytes as base64 text. */
  readonly _carriesBytes: boolean;
  /** @internal The name in `$session.features` by which clients learn of it. */
  readonly _feature?: string;
  /** @internal Opens the transport on one port. */
  _open(host: TransportHost): OpenTransport;
}

/** A transport on one port. */
export interface OpenTransport {
  /** Returns the function that handles a plain request; `undefined` if the request is not meant for the transport. */
  requestHandler(path: string, request: IncomingMessage): HandleRequest | undefined;
  /** Returns the function that handles the upgrades of a path; `undefined` if the path is not that of the transport. */
  upgradeHandler(path: string): HandleUpgrade | undefined;
  /** Closes all connections, after the namespaces have closed, and refuses further ones. */
  close(): Promise<void>;
}

/** What an adapter offers to a transport on one port. */
export interface TransportHost {
  /** The limits of a connection, from the adapter's options. */
  readonly limits: ConnectionLimits;
  /** The limits of its WebSockets. */
  readonly webSocket: WebSocketOptions;
  /** Milliseconds between two pings; 0: none. */
  readonly pingInterval: number;
  /** Milliseconds that a client has to answer a ping. */
  readonly pingTimeout: number;
  /** Milliseconds for a connection without a namespace. */
  readonly connectTimeout: number;
  /** Finds the endpoint of a concrete path on this port. */
  find(path: string): FoundEndpoint | undefined;
  /** Returns what is known about the client of a request, or the refusal of a request whose client cannot be known. */
  identify(request: IncomingMessage): ClientInfo | HttpRefusal;
  /** Returns by what limits count the client of a refused request, if that is known. */
  rateIdentityOf(request: IncomingMessage): RateIdentity | undefined;
  /**
   * Decides whether pages of the request's origin may connect to any gateway of this port.
   *
   * @param done called with the options of the CORS rule that allows it, empty for the server's own origin, or with the
   * refusal
   */
  checkOrigin(
    request: IncomingMessage,
    clientInfo: ClientInfo,
    done: (result: { readonly allowed: CorsOptions } | { readonly refused: HttpRefusal }) => void,
  ): void;
  /**
   * Admits a transport: counts it, and runs the adapter's checks. The origin must have been checked before. Refuses the
   * request, or calls back once.
   */
  admit(request: ConnectionRequest, clientInfo: ClientInfo, admitted: () => void): void;
  /** Removes a transport that {@link admit} has counted. */
  release(clientInfo: ClientInfo): void;
  /** Reports an unexpected error. */
  report(error: unknown, where: string): void;
  /** Logs what an operator should see. The log counts and limits the lines of each `subject`. */
  warn(subject: string, text: string): void;
}
