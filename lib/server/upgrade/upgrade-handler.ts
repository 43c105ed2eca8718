import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type Server, type ServerOptions } from 'ws';
import type { Conversation } from '../socket/conversation.js';
import type { EnvelopeServer } from '../namespace/envelope-server.js';
import { EnvelopeSocket } from '../socket/envelope-socket.js';
import type { Connection, ConnectionWatcher } from '../transport/connection.js';
import { ServerWebSocket } from '../transport/server-web-socket.js';
import { recordFields, grantOf } from '../handshake/grant.js';
import type { Recovery } from '../recovery/types.js';
import { mayResume, resume } from '../namespace/resume.js';
import type { ClientInfo } from '../handshake/client-info.js';
import { withTimeout } from '../util/with-timeout.js';
import type { ConnectionCounter } from './connection-counter.js';
import type { UpgradeCheck } from './upgrade-checks.js';
import type { Params } from './path-pattern.js';
import { refusal, refuseUpgrade, type HttpRefusal } from './http-refusal.js';
import { PendingUpgrade } from './pending-upgrade.js';
import { namesOneHost, type ClientAddressReader } from './client-address.js';

/** What a gate goes by. */
export interface UpgradeHandlerConfig {
  readonly ws: ServerOptions;
  /** Milliseconds that checks and guards may take together. */
  readonly upgradeTimeout: number;
  /** Of the whole adapter. */
  readonly clientAddress: ClientAddressReader;
  /** Of the whole adapter. */
  readonly connectionCounter: ConnectionCounter;
  /** Looks at the request: its origin, and what users check themselves. */
  readonly check: UpgradeCheck;
  /** Asks the guards of all gateways here; `undefined`: there are none. */
  readonly guard: ((client: EnvelopeSocket) => Promise<HttpRefusal | undefined>) | undefined;
  /** Hears of what should not have failed. */
  readonly onError: (error: unknown) => void;
  /** Hears what an operator can mend, by a subject that is counted. */
  readonly warn: (subject: string, text: string) => void;
}

/** So many times `upgradeTimeout` a guard without a client counts; one that never ends must not lock others out. */
const GUARD_PATIENCE = 3;

/** Milliseconds that a broker which has stalled can hold up the end of a server. */
const RESUMED_WITHIN = 5_000;

const EXPIRED = refusal(401, 'The token has expired');
const OLD_HTTP = refusal(400, 'A WebSocket needs HTTP/1.1');
const NO_HOST = refusal(400, 'The Host header is missing, or names no host');
// another node is there, or this one will soon be again
const SHUTTING_DOWN = refusal(503, 'The server is shutting down', { 'Retry-After': '1' });

const OLD_HTTP_ADVICE =
  'An upgrade came by HTTP/1.0, which has none (RFC 9110, section 7.8): it is refused with 400. Behind nginx, add ' +
  '"proxy_http_version 1.1;" to the location';

/**
 * All that comes before the 101: is there a place, is the handshake one of RFC 6455 (`ws` looks), may this page, may
 * this client. Who is refused gets an HTTP answer, and no socket.
 */
export class UpgradeHandler implements ConnectionWatcher {
  private readonly acceptor: Server<typeof ServerWebSocket>;
  /** Open, or closing. */
  private readonly connections = new Set<Connection>();
  private readonly upgrades = new Map<IncomingMessage, PendingUpgrade>();
  /** Clients whose sessions are being looked for. */
  private readonly resuming = new Set<Promise<void>>();

  constructor(
    private readonly settings: UpgradeHandlerConfig,
    /** The server of a concrete path, made now where it is a child that has nobody yet. */
    private readonly serverOf: (path: string) => EnvelopeServer,
    /** Told the name of a server when a client was refused by its guards, or its line has ended. */
    private readonly onLeft: (server: string) => void,
    private readonly isClosing: () => boolean,
  ) {
    this.acceptor = new WebSocketServer({
      ...settings.ws,
      noServer: true,
      WebSocket: ServerWebSocket,
      // a listener for each connection
      clientTracking: false,
      verifyClient: ({ req }: { req: IncomingMessage }, verdict: (passed: boolean) => void) =>
        this.inspect(this.upgrades.get(req)!, verdict),
    });
    // `ws` itself would answer with a text
    this.acceptor.on('wsClientError', (error: Error, _: Duplex, request: IncomingMessage) =>
      this.upgrades.get(request)?.refuse(handshakeRefusal(request, error)),
    );
  }

  /** Whether somebody is on the way to that server. */
  isAwaitedOn(server: EnvelopeServer): boolean {
    for (const upgrade of this.upgrades.values()) if (upgrade.server === server) return true;
    return false;
  }

  accept(request: IncomingMessage, tcp: Duplex, head: Buffer, path: string, params: Params): void {
    if (this.isClosing()) return refuseUpgrade(request, tcp, SHUTTING_DOWN);
    if (request.httpVersion === '1.0') {
      this.settings.warn('HTTP/1.0', OLD_HTTP_ADVICE);
      return refuseUpgrade(request, tcp, OLD_HTTP);
    }
    if (!namesOneHost(request)) return refuseUpgrade(request, tcp, NO_HOST);
    const { clientAddress, connectionCounter, upgradeTimeout } = this.settings;
    let visitor: ClientInfo;
    try {
      visitor = clientAddress.identify(request);
    } catch (error) {
      this.settings.onError(error);
      return refuseUpgrade(request, tcp, refusal(500, 'Internal server error'));
    }
    const full = connectionCounter.enter(visitor);
    if (full !== undefined) return refuseUpgrade(request, tcp, full);
    const upgrade = new PendingUpgrade(request, path, params, visitor, tcp, this.onDecided);
    this.upgrades.set(request, upgrade);
    this.acceptor.handleUpgrade(request, tcp, head, (ws) => this.open(upgrade, ws));
    upgrade.wait(upgradeTimeout);
  }

  /** Refuses everybody who is on the way. Resolves when sessions are back in their store that were taken out for them. */
  async clear(): Promise<void> {
    for (const upgrade of this.upgrades.values()) upgrade.refuse(SHUTTING_DOWN);
    await withTimeout(RESUMED_WITHIN, Promise.allSettled(this.resuming), undefined);
  }

  /** Cuts what is still open. */
  close(): void {
    for (const line of this.connections) line.ws.terminate();
    this.acceptor.close();
  }

  lineEnded(client: Conversation): void {
    this.connections.delete(client);
    this.settings.connectionCounter.leave(client._clientInfo);
    this.onLeft(client.nsp.name);
  }

  private inspect(upgrade: PendingUpgrade, verdict: (passed: boolean) => void): void {
    this.settings.check(upgrade.request, upgrade.clientInfo, (refused) => {
      if (upgrade.isOver) return;
      if (refused !== undefined) return upgrade.refuse(refused);
      // this may be a callback in users' code, where what is thrown would end the process
      try {
        this.identify(upgrade, verdict);
      } catch (error) {
        this.fail(upgrade, error);
      }
    });
  }

  /** Nothing may fail behind the 101: a child of a RegExp namespace is made before, guards or not. */
  private identify(upgrade: PendingUpgrade, verdict: (passed: boolean) => void): void {
    const { guard } = this.settings;
    const { request, path, params, clientInfo } = upgrade;
    const server = (upgrade.server = this.serverOf(path));
    const recovery = mayResume(server._recovery, request) ? server._recovery : undefined;
    if (guard === undefined && recovery === undefined) return this.let(upgrade, verdict);
    const client = (upgrade.client = new EnvelopeSocket(request, server, params, clientInfo));
    recordFields(client);
    upgrade.guards = Promise.resolve(guard?.(client))
      .then(async (answer) => {
        const isExpired = client._expiry?.isOver === true;
        // it may have ended while a further guard was asked
        const refused = isExpired && (answer === undefined || client._gone) ? EXPIRED : answer;
        if (refused !== undefined) return upgrade.refuse(refused);
        if (!upgrade.isOver) client._grant = grantOf(client);
        if (recovery !== undefined && !upgrade.isOver) await this.resume(client, recovery);
        this.let(upgrade, verdict);
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

  /** `ws` writes the 101 and calls {@link open} before this returns; its subprotocol handler is users' code. */
  private let(upgrade: PendingUpgrade, verdict: (passed: boolean) => void): void {
    if (!upgrade.isOver) verdict(true);
  }

  private fail(upgrade: PendingUpgrade, error: unknown): void {
    this.settings.onError(error);
    upgrade.refuse(refusal(500, 'Internal server error'));
  }

  private open(upgrade: PendingUpgrade, ws: ServerWebSocket): void {
    const { request, params, clientInfo } = upgrade;
    const server = upgrade.server!;
    const client = upgrade.client ?? new EnvelopeSocket(request, server, params, clientInfo);
    upgrade.pass();
    this.connections.add(client);
    client._attach(ws, this);
    server._connect(client, request);
  }

  private readonly onDecided = (
    { request, clientInfo, guards, server }: PendingUpgrade,
    passed: boolean,
  ): void => {
    const { connectionCounter, upgradeTimeout } = this.settings;
    this.upgrades.delete(request);
    connectionCounter.decided();
    if (passed) return;
    connectionCounter.leave(clientInfo);
    if (guards !== undefined)
      connectionCounter.guardAbandoned(
        withTimeout(upgradeTimeout * GUARD_PATIENCE, guards, undefined, false),
      );
    if (server !== undefined) this.onLeft(server.name);
  };
}

/** Of what is no handshake of RFC 6455, with the headers that it (section 4.4) and HTTP demand. */
function handshakeRefusal({ method }: IncomingMessage, { message }: Error): HttpRefusal {
  if (method !== 'GET') return refusal(405, message, { Allow: 'GET' });
  return refusal(400, message, { 'Sec-WebSocket-Version': '13, 8' });
}
