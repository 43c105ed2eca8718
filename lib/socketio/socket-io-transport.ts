import { Server as EngineServer, type Socket as EngineSocket } from 'engine.io';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { constants } from 'node:buffer';
import { MAX_DELAY } from '../protocol/max-delay.js';
import type { ClientInfo } from '../server/handshake/client-info.js';
import { withTimeout } from '../server/util/with-timeout.js';
import { webSocketServerClass, type ServerWebSocket } from '../server/transport/web-socket-server.js';
import {
  answerRefusal,
  publishRefusal,
  writeRefusal,
  type HttpRefusal,
} from '../server/upgrade/http-refusal.js';
import type { HandleRequest, OpenTransport, TransportHost } from '../server/upgrade/transport.js';
import type { HandleUpgrade } from '../server/upgrade/upgrade-router.js';
import { Encodings } from './encodings.js';
import { limitCloseWait } from './engine-internals.js';
import { EngineLink } from './engine-link.js';
import {
  BAD_REQUEST,
  checkRequest,
  checkUpgrade,
  hideQuery,
  readQuery,
  UNKNOWN_SESSION,
} from './engine-query.js';
import { HandshakeRequest } from './handshake-request.js';
import type { LinkSettings } from './link-namespaces.js';
import type { ResolvedSocketIOOptions } from './options.js';
import { readWithEngine } from './probe.js';
import { RequestChecks } from './request-checks.js';
import { UnknownSessions } from './unknown-sessions.js';

/** Milliseconds for the clients to close, before their links are cut. */
const CLOSE_TIMEOUT = 3_000;
/** Milliseconds for a polling client to fetch the close packet. One that is there polls again at once. */
const LAST_POLL_TIMEOUT = 1_000;
/** Milliseconds: half of the longest delay of a timer. */
const LONGEST_PING = Math.floor(MAX_DELAY / 2);
/** Milliseconds for the closing handshake of a WebSocket. `ws` waits for 30 seconds, for the peers of ended sessions, too. */
const CLOSING_HANDSHAKE_TIMEOUT = 2_000;

/** The engine's own query of a request. */
interface EngineRequest extends IncomingMessage {
  _query?: Record<string, string>;
}

/** Serves the clients of Socket.IO on one port: the engine, and a link for each client. */
export class SocketIoTransport implements OpenTransport {
  private readonly engine: EngineServer;
  private readonly checks: RequestChecks;
  private readonly links = new Map<string, EngineLink>();
  /** Requests that were admitted, until the engine has made a connection of them. */
  private readonly admitted = new Map<
    IncomingMessage,
    { readonly clientInfo: ClientInfo; readonly stopWatching: () => void }
  >();
  private readonly linkSettings: LinkSettings;
  private readonly unknownSessions: UnknownSessions;
  private readonly path: string;

  constructor(
    private readonly options: ResolvedSocketIOOptions,
    private readonly host: TransportHost,
  ) {
    this.path = options.path.replace(/\/$/, '');
    this.checks = new RequestChecks(host);
    this.unknownSessions = new UnknownSessions((subject, text) => host.warn(subject, text));
    const { maxNamespaces, maxAttachments } = options;
    this.linkSettings = { host, encodings: new Encodings(), maxNamespaces, maxAttachments };
    this.engine = new EngineServer(this.engineOptions());
    this.engine.on('connection', (socket: EngineSocket) => this.onConnection(socket));
    this.engine.on('connection_error', ({ req }: { req: IncomingMessage }) => {
      this.publishRefusal(req, { status: 400, body: undefined });
      this.drop(req);
    });
  }

  private engineOptions(): object {
    const { options, host } = this;
    const { pingInterval, pingTimeout, limits, webSocket } = host;
    const { transports, allowUpgrades, upgradeTimeout, httpCompression, perMessageDeflate, cookie } = options;
    const given = { httpCompression, perMessageDeflate, cookie };
    const { perMessageDeflate: _, maxPayload, ...limitsOfAdapter } = webSocket;
    const webSocketLimits = { ...limitsOfAdapter, closeTimeout: CLOSING_HANDSHAKE_TIMEOUT };
    return {
      transports: [...transports],
      allowUpgrades,
      // a delay beyond that of a timer would expire at once; a client waits for the sum of the last two
      upgradeTimeout: Math.min(upgradeTimeout, MAX_DELAY),
      pingInterval: Math.min(pingInterval > 0 ? pingInterval : LONGEST_PING, LONGEST_PING),
      pingTimeout: Math.min(pingTimeout, LONGEST_PING),
      maxHttpBufferSize: Math.min(limits.maxPayload, constants.MAX_STRING_LENGTH),
      cors: this.checks.corsOf,
      wsEngine: webSocketServerClass(webSocketLimits, (ws, request) => this.onWebSocket(ws, request)),
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    };
  }

  requestHandler(path: string): HandleRequest | undefined {
    return path === this.path ? this.handleRequest : undefined;
  }

  upgradeHandler(path: string): HandleUpgrade | undefined {
    return path === this.path && this.options.transports.includes('websocket')
      ? this.handleUpgrade
      : undefined;
  }

  private readonly handleRequest: HandleRequest = (request, response) => {
    const refuse = (answer: HttpRefusal): void => {
      this.publishRefusal(request, answer);
      answerRefusal(response, answer);
    };
    const pass = (): void => this.engine.handleRequest(request as never, response);
    this.checks.run(
      request,
      response,
      (clientInfo) => {
        // a preflight is about the request that follows it
        if (request.method === 'OPTIONS') {
          hideQuery(request);
          return pass();
        }
        const query = readQuery(request);
        const refused = checkRequest(request, query);
        if (refused !== undefined) return refuse(refused);
        if (query.sid === undefined) return this.admit(request, response, clientInfo, pass);
        const link = this.linkOf(query.sid, clientInfo);
        if (link === undefined) return refuse(UNKNOWN_SESSION);
        // the engine would never answer a plain request to a WebSocket's session
        if (query.transport !== 'polling' || link.transportName !== 'polling') return refuse(BAD_REQUEST);
        if (request.method === 'POST') {
          // a polling client sends one request with messages after the other
          if (!link.post(pass)) refuse(BAD_REQUEST);
        } else if (link.poll(response)) pass();
        else refuse(UNKNOWN_SESSION);
      },
      refuse,
    );
  };

  private readonly handleUpgrade: HandleUpgrade = (request, tcp, head) => {
    // without a listener, an error would end the process
    tcp.on('error', ignoreError);
    const refuse = (answer: HttpRefusal): void => {
      this.publishRefusal(request, answer);
      writeRefusal(tcp, answer);
    };
    const pass = (): void => this.engine.handleUpgrade(request as never, tcp, head);
    this.checks.run(
      request,
      tcp,
      (clientInfo) => {
        const query = readQuery(request);
        const refused = checkUpgrade(query);
        if (refused !== undefined) return refuse(refused);
        if (query.sid === undefined) return this.admit(request, tcp, clientInfo, pass);
        const link = this.linkOf(query.sid, clientInfo);
        if (link === undefined) refuse(UNKNOWN_SESSION);
        else if (this.options.allowUpgrades && link.canUpgrade) pass();
        else refuse(BAD_REQUEST);
      },
      refuse,
    );
  };

  private publishRefusal(request: IncomingMessage, answer: HttpRefusal): void {
    publishRefusal(request, answer, () => this.host.rateIdentityOf(request));
  }

  /** Returns the link of a session, unless its client has another address: the session id is its only secret. */
  private linkOf(sid: string, client: ClientInfo): EngineLink | undefined {
    const link = this.links.get(sid);
    const isOwner = link?.clientInfo.rateKey === client.rateKey;
    if (!isOwner) this.unknownSessions.report(sid, link?.clientInfo, client);
    return isOwner && !link.hasClosed ? link : undefined;
  }

  private admit(
    request: IncomingMessage,
    target: ServerResponse | Duplex,
    clientInfo: ClientInfo,
    pass: () => void,
  ): void {
    this.host.admit(new HandshakeRequest(request, target), clientInfo, () => {
      // a handshake that the engine refuses ends here
      const drop = (): void => this.drop(request);
      target.once('close', drop);
      this.admitted.set(request, { clientInfo, stopWatching: () => target.off('close', drop) });
      pass();
    });
  }

  /** An admitted request has not led to a connection. */
  private drop(request: IncomingMessage): void {
    const admission = this.admitted.get(request);
    if (admission === undefined) return;
    this.admitted.delete(request);
    this.host.release(admission.clientInfo);
  }

  private onConnection(socket: EngineSocket): void {
    const { request } = socket;
    const admission = this.admitted.get(request);
    // not admitted: a request that reached the engine by another way
    if (admission === undefined) return socket.close(true);
    this.admitted.delete(request);
    // the socket lives as long as the connection, and would keep the request
    admission.stopWatching();
    const { clientInfo } = admission;
    limitCloseWait(socket, LAST_POLL_TIMEOUT);
    const link = new EngineLink(socket, request, clientInfo, this.linkSettings, (ended) => {
      this.links.delete(ended.id);
      this.unknownSessions.add(ended.id);
      this.host.release(clientInfo);
    });
    this.links.set(link.id, link);
    // the link keeps a packed copy
    Reflect.set(socket, 'request', undefined);
  }

  /** A WebSocket to which a polling client may change: the engine probes it first. */
  private onWebSocket(ws: ServerWebSocket, request: IncomingMessage): void {
    const sid = (request as EngineRequest)._query?.['sid'];
    if (sid === undefined) return;
    this.links.get(sid)?.probed(ws);
    readWithEngine(ws, this.host.limits.maxPayload);
  }

  async close(): Promise<void> {
    for (const link of [...this.links.values()]) link.end('server shutting down');
    const deadline = performance.now() + CLOSE_TIMEOUT;
    while (this.links.size > 0 && performance.now() < deadline)
      await this.nextEnd(deadline - performance.now());
    for (const link of [...this.links.values()]) link.cut();
    this.engine.close();
  }

  /** Resolves when one of the links has ended, or after this number of milliseconds. */
  private nextEnd(milliseconds: number): Promise<void> {
    const [link] = this.links.values();
    const ended = new Promise<void>((resolve) => link!.whenClosed(resolve));
    return withTimeout(milliseconds, ended, undefined);
  }
}

function ignoreError(): void {}
