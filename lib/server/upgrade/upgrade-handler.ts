import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EnvelopeServer } from '../namespace/envelope-server.js';
import { EnvelopeSocket } from '../socket/envelope-socket.js';
import type { ConnectionLimits } from '../transport/connection-limits.js';
import type { Connection, ConnectionWatcher } from '../transport/connection.js';
import type { SharedDeflate } from '../transport/deflate-negotiator.js';
import { WebSocketAcceptor, type WebSocketOptions } from '../transport/web-socket-acceptor.js';
import { recordFields, grantOf } from '../handshake/grant.js';
import type { Recovery } from '../recovery/types.js';
import { mayResume, resume } from '../namespace/resume.js';
import type { ClientInfo, RateIdentity } from '../handshake/client-info.js';
import { UpgradeRequest } from '../handshake/upgrade-request.js';
import { withTimeout } from '../util/with-timeout.js';
import type { AccessControl } from './access-control.js';
import type { ConnectionCounter } from './connection-counter.js';
import { refuseRequest, type ConnectionRequest, type ConnectionTerms } from './connection-request.js';
import type { OriginCheck, UpgradeCheck } from './upgrade-checks.js';
import type { Params } from './path-pattern.js';
import { because, refusal, type HttpRefusal } from './http-refusal.js';
import { PendingUpgrade } from './pending-upgrade.js';
import type { ClientAddressReader } from './client-address.js';
import { identifyClient, SHUTTING_DOWN } from './identify-client.js';
import { WebSocketRequest } from './web-socket-request.js';

/** The checks, guards and limits of the requests to connect to one path. */
export interface UpgradeHandlerConfig {
  /** Limits and compression of `ws`. */
  readonly webSocket: WebSocketOptions;
  /** A compression that all connections share, in the place of that of `ws`; `undefined`: none. */
  readonly deflate: SharedDeflate | undefined;
  /** Selects a subprotocol, as the option `handleProtocols` says. */
  readonly selectProtocol: ConnectionTerms['selectProtocol'];
  readonly limits: ConnectionLimits;
  readonly encodingOf: ConnectionTerms['encodingOf'];
  /** Reads the client's address. All paths of the adapter share it. */
  readonly clientAddress: ClientAddressReader;
  /** Counts connections. All paths of the adapter share it. */
  readonly connectionCounter: ConnectionCounter;
  /** Whom an operator keeps out. All paths of the adapter share it. */
  readonly access: AccessControl;
  /** Checks the request: its origin, and the checks of the application. */
  readonly check: UpgradeCheck;
  /**
   * The same for a connection whose transport has passed the checks of the adapter already: the origin, and the checks
   * that a gateway sets itself.
   */
  readonly checkCarried: UpgradeCheck;
  /** Checks whether pages of the request's origin may connect. */
  readonly checkOrigin: OriginCheck;
  /** Runs the guards of all gateways on this path; `undefined` if they have none. */
  readonly guard: ((client: EnvelopeSocket) => Promise<HttpRefusal | undefined>) | undefined;
  /** Reports an unexpected error. */
  readonly onError: (error: unknown) => void;
  /** Logs a problem that an operator can correct. The log counts and limits the lines of each `subject`. */
  readonly warn: (subject: string, text: string) => void;
}

/**
 * A guard counts as pending for at most this many times `upgradeTimeout` after its client disconnected. Otherwise,
 * guards that never end would block further clients.
 */
const ABANDONED_GUARD_TIMEOUTS = 3;

/** The maximum number of milliseconds for which a stalled broker delays the end of a server. */
const RESUME_TIMEOUT = 5_000;

const EXPIRED = because('expired', refusal(401, 'The token has expired'));
const FORBIDDEN = because('guard', refusal(403, 'Forbidden resource'));
const OLD_HTTP = because('handshake', refusal(400, 'A WebSocket needs HTTP/1.1'));

const OLD_HTTP_ADVICE =
  'HTTP/1.0 has no upgrades (RFC 9110, section 7.8): a request was refused with 400. Behind nginx, add ' +
  '"proxy_http_version 1.1;" to the location';

/**
 * Accepts or refuses the requests to connect to one path. In order: the limits, the handshake of the transport, the
 * origin, the checks of the application, the guards, and the session of a client that reconnects. A refused client gets
 * an HTTP response, and no connection.
 */
export class UpgradeHandler implements ConnectionWatcher {
  private readonly acceptor: WebSocketAcceptor;
  private readonly terms: ConnectionTerms;
  /** Open and closing connections, each with its client. */
  private readonly clients = new Map<Connection, EnvelopeSocket>();
  /** The upgrades whose checks or guards are asynchronous. */
  private readonly upgrades = new Set<PendingUpgrade>();
  /**
   * The upgrade that {@link accept} handles at the moment. Most upgrades are decided before it returns, and get no place in
   * the set: a small set that changes with each connection makes the garbage collector keep the closed ones for longer.
   */
  private current: PendingUpgrade | undefined;
  /** The pending searches for the sessions of clients that reconnect. */
  private readonly resuming = new Set<Promise<void>>();

  constructor(
    private readonly config: UpgradeHandlerConfig,
    /** Returns the server of a concrete path. Creates the child of a RegExp namespace if necessary. */
    private readonly serverOf: (path: string) => EnvelopeServer,
    /** Called with the name of a server when its guards refused a client, or a client's connection closed. */
    private readonly onClientRemoved: (server: string) => void,
    private readonly isClosing: () => boolean,
  ) {
    const { limits, encodingOf, selectProtocol } = config;
    this.terms = { limits, encodingOf, watcher: this, selectProtocol };
    const webSocket = { ...config.webSocket, handleProtocols: config.selectProtocol };
    this.acceptor = new WebSocketAcceptor(webSocket, config.deflate);
  }

  /** Sets the limits that `ws` enforces itself, for further connections. */
  setLimits(limits: WebSocketOptions): void {
    this.acceptor.setLimits(limits);
  }

  /** The open and closing connections: a live view. */
  get connections(): ReadonlyMap<Connection, unknown> {
    return this.clients;
  }

  /** Returns whether an upgrade to a server is pending. */
  hasPendingUpgrade(server: EnvelopeServer): boolean {
    if (this.current?.isOver === false && this.current.server === server) return true;
    for (const upgrade of this.upgrades) if (upgrade.server === server) return true;
    return false;
  }

  /** Handles the upgrade request of a WebSocket. */
  acceptWebSocket(request: IncomingMessage, tcp: Duplex, head: Buffer, path: string, params: Params): void {
    this.accept(new WebSocketRequest(this.acceptor, request, tcp, head), path, params);
  }

  /** Handles a request to connect, on any transport. */
  accept(request: ConnectionRequest, path: string, params: Params): void {
    const { carriedFor } = request;
    const { access, clientAddress, connectionCounter, limits } = this.config;
    const rateIdentity = (): RateIdentity | undefined =>
      carriedFor ?? clientAddress.rateIdentityOf(request.httpRequest);
    const closed = this.isClosing() ? SHUTTING_DOWN : access.draining;
    if (closed !== undefined) return refuseRequest(request, closed, rateIdentity);
    const clientInfo = carriedFor ?? this.identify(request);
    if ('status' in clientInfo) return refuseRequest(request, clientInfo, rateIdentity);
    const refused =
      access.refusalOf(clientInfo) ??
      (carriedFor === undefined ? connectionCounter.tryAdd(clientInfo) : connectionCounter.tryAddPending());
    if (refused !== undefined) return refuseRequest(request, refused, () => clientInfo);
    const upgrade = new PendingUpgrade(request, path, params, clientInfo, this.onDecided);
    // a check may make another upgrade begin
    if (this.current !== undefined) this.upgrades.add(this.current);
    this.current = upgrade;
    try {
      request.check((refused) => (refused === undefined ? this.check(upgrade) : upgrade.refuse(refused)));
    } finally {
      this.current = undefined;
      if (!upgrade.isOver) this.upgrades.add(upgrade);
    }
    upgrade.wait(limits.upgradeTimeout);
  }

  private identify({ httpRequest, takesOldHttp }: ConnectionRequest): ClientInfo | HttpRefusal {
    if (httpRequest.httpVersion === '1.0' && takesOldHttp !== true) {
      this.config.warn('HTTP/1.0', OLD_HTTP_ADVICE);
      return OLD_HTTP;
    }
    return identifyClient(httpRequest, this.config.clientAddress, this.config.onError);
  }

  /**
   * Refuses every pending upgrade. Resolves when the sessions of their clients are back in the store, after at most 5
   * seconds.
   */
  async clear(): Promise<void> {
    this.current?.refuse(SHUTTING_DOWN);
    for (const upgrade of this.upgrades) upgrade.refuse(SHUTTING_DOWN);
    await withTimeout(RESUME_TIMEOUT, Promise.allSettled(this.resuming), undefined);
  }

  /** Terminates the connections that are still open, without a closing handshake. */
  close(): void {
    for (const connection of this.clients.keys()) connection.terminate();
    this.acceptor.close();
  }

  /** Removes a connection that has closed. */
  connectionClosed(connection: Connection): void {
    const client = this.clients.get(connection);
    if (client === undefined) return;
    this.clients.delete(connection);
    if (!connection.isCarried) this.config.connectionCounter.remove(client._upgrade.clientInfo);
    this.onClientRemoved(client.nsp.name);
  }

  private check(upgrade: PendingUpgrade): void {
    const { httpRequest, carriedFor } = upgrade.request;
    const check = carriedFor === undefined ? this.config.check : this.config.checkCarried;
    check(httpRequest, upgrade.clientInfo, (refusedByCheck) => {
      if (upgrade.isOver) return;
      // an operator may have blocked the address while the check ran
      const refused = refusedByCheck ?? this.config.access.refusalOf(upgrade.clientInfo);
      if (refused !== undefined) return upgrade.refuse(refused);
      // the application's code may call this: an exception would end the process
      try {
        this.runGuards(upgrade);
      } catch (error) {
        this.fail(upgrade, error);
      }
    });
  }

  /**
   * Runs the guards and resumes the session, then opens the connection. Creates a child of a RegExp namespace before
   * that, while a failure can still refuse the upgrade.
   */
  private runGuards(upgrade: PendingUpgrade): void {
    const { guard } = this.config;
    const server = (upgrade.server = this.serverOf(upgrade.path));
    const recovery = mayResume(server._recovery, upgrade.request) ? server._recovery : undefined;
    if (guard === undefined && recovery === undefined) return this.open(upgrade);
    const client = this.createClient(upgrade, upgrade.request.connection(this.terms));
    upgrade.client = client;
    recordFields(client);
    upgrade.guards = Promise.resolve(guard?.(client))
      .then(async (guardRefusal) => {
        const isExpired = client._lifecycle.expiry?.isOver === true;
        // the token may have expired while a later guard ran
        const refused =
          isExpired && (guardRefusal === undefined || client._isEnded)
            ? EXPIRED
            : (byGuard(guardRefusal) ?? this.config.access.refusalOfClient(client, upgrade.clientInfo));
        if (refused !== undefined) return upgrade.refuse(refused);
        if (!upgrade.isOver) client._grant = grantOf(client);
        if (recovery !== undefined && !upgrade.isOver) await this.resume(client, recovery);
        // the token may have expired during the search for the session, or the application has disconnected the client
        if (client._isEnded)
          return upgrade.refuse(client._lifecycle.expiry?.isOver === true ? EXPIRED : FORBIDDEN);
        // an operator may have blocked it during the search
        const late = this.config.access.refusalOfClient(client, upgrade.clientInfo);
        if (late !== undefined) return upgrade.refuse(late);
        this.open(upgrade);
      })
      .catch((error) => this.fail(upgrade, error));
  }

  private async resume(client: EnvelopeSocket, recovery: Recovery): Promise<void> {
    const resumed = resume(client, recovery);
    this.resuming.add(resumed);
    try {
      await resumed;
    } finally {
      this.resuming.delete(resumed);
    }
  }

  private createClient(
    { request, server, params, clientInfo }: PendingUpgrade,
    connection: Connection,
  ): EnvelopeSocket {
    return new EnvelopeSocket(
      server!,
      connection,
      new UpgradeRequest(request.httpRequest, params, clientInfo, request.auth),
    );
  }

  private open(upgrade: PendingUpgrade): void {
    if (upgrade.isOver) return;
    upgrade.request.accept(this.terms, (connection) => {
      const client = upgrade.client ?? this.createClient(upgrade, connection);
      upgrade.accept();
      this.clients.set(connection, client);
      upgrade.server!._connect(client, upgrade.request.httpRequest);
    });
  }

  private fail(upgrade: PendingUpgrade, error: unknown): void {
    this.config.onError(error);
    upgrade.refuse(refusal(500, 'Internal server error'));
  }

  /** Updates the counters after an upgrade was accepted, refused or abandoned. */
  private readonly onDecided = (upgrade: PendingUpgrade, accepted: boolean): void => {
    const { clientInfo, guards, server, request } = upgrade;
    const { connectionCounter, limits } = this.config;
    this.upgrades.delete(upgrade);
    connectionCounter.upgradeDecided();
    if (accepted) return;
    if (request.carriedFor === undefined) connectionCounter.remove(clientInfo);
    if (guards !== undefined)
      connectionCounter.guardAbandoned(
        withTimeout(limits.upgradeTimeout * ABANDONED_GUARD_TIMEOUTS, guards, undefined, false),
      );
    if (server !== undefined) this.onClientRemoved(server.name);
  };
}

function byGuard(refused: HttpRefusal | undefined): HttpRefusal | undefined {
  // a path of this package names another reason itself
  return refused === undefined || refused.why !== undefined ? refused : because('guard', refused);
}
