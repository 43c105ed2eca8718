import { createServer, type Server } from 'node:http';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import type { MessageMappingProperties } from '@nestjs/websockets';
import { SHARED_ADDRESS_FACTOR } from '../server/handshake/client-info.js';
import { Cluster } from '../server/cluster/cluster.js';
import { ConnectionLog } from './logging/connection-log.js';
import { ServerRegistry } from './server-registry.js';
import { ENVELOPE_OPTIONS } from './envelope-module.js';
import {
  layer,
  UPGRADE_GUARDS,
  type EnvelopeOptions,
  type GatewayOptions,
  type UpgradeGuards,
} from './options/options.js';
import { installFilters } from './errors/filter-installer.js';
import { showIterablesAsObservables } from './handlers/handler-observables.js';
import { configOf } from './gateways/find-adapter.js';
import { bindInOrder } from './gateways/binding-order.js';
import { watchCors } from './gateways/application-cors.js';
import { checkGateway, checkSharedPaths } from './gateways/gateway-check.js';
import { exploreGateways, findProvider, tellPort, type Gateway } from './gateways/gateway-explorer.js';
import { wrapHooks } from './hooks/lifecycle-hooks.js';
import { StartupLog } from './logging/startup-log.js';
import { gatewayMountPoint } from './gateways/gateway-mount-point.js';
import { guardNames } from './guards/upgrade-guards.js';
import { resolveAdapterLimits } from './options/limits.js';
import { toContext } from './gateways/application-context.js';
import { logBrokerStatus } from './logging/cluster-log.js';
import { checkOptions } from './options/option-rules.js';
import { endpointConfig } from './endpoint-config.js';
import { ReportLog } from './logging/report-log.js';
import type { DisconnectReason } from '../server/transport/disconnect-reason.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { Bridge, MessageParser } from '../server/socket/message-router.js';
import { ConnectionCounter } from '../server/upgrade/connection-counter.js';
import type { Cors } from '../server/upgrade/origin.js';
import { normalisePath } from '../server/upgrade/path-pattern.js';
import { showMountPoint, type MountPoint } from '../server/upgrade/mount-point.js';
import { toPort } from '../server/upgrade/port.js';
import { Endpoint } from '../server/upgrade/endpoint.js';
import { EndpointRegistry } from '../server/upgrade/endpoint-registry.js';
import { compileHosts, type OwnHosts } from '../server/upgrade/own-hosts.js';
import { ClientAddressReader } from '../server/upgrade/client-address.js';
import { explainUnknownPath } from '../server/upgrade/unknown-path.js';
import { UpgradeRouter } from '../server/upgrade/upgrade-router.js';
import { watchForGateways } from './wiring-check.js';

/** The port number that stands for the application's own HTTP server. */
const APPLICATION = 0;

const WITHOUT_APPLICATION =
  'EnvelopeAdapter was made without the application, and so cannot see the guards of gateways, which are to run ' +
  'before a connection is open: pass it, new EnvelopeAdapter(app), or set upgradeGuards: false to do without them';

const UNKNOWN_PROXY =
  'Clients come through a proxy that nobody named (X-Forwarded-For from a private address): their own addresses are ' +
  `not known, and each proxy may open ${SHARED_ADDRESS_FACTOR} times limits.maxConnectionsPerAddress for all of them together. Name the ` +
  "proxies in EnvelopeAdapter's option trustProxy, or set it to false where there are none";

/**
 * Serves Nest's gateways over plain RFC 6455 WebSocket and the envelope, on the application's own HTTP server:
 *
 *     app.useWebSocketAdapter(new EnvelopeAdapter(app));
 *
 * It is a `WsAdapter` with rooms, namespaces, acknowledgements and server-side broadcast.
 */
export class EnvelopeAdapter extends WsAdapter {
  protected override readonly logger = new Logger(EnvelopeAdapter.name);
  private readonly options: EnvelopeOptions;
  private readonly gateways: readonly Gateway[];
  private readonly endpoints = new EndpointRegistry();
  private readonly routers = new Map<number, UpgradeRouter>();
  private readonly log: StartupLog;
  private readonly reports = new ReportLog(this.logger);
  private readonly connections = new ConnectionLog(this.logger);
  private readonly guards: UpgradeGuards;
  private readonly globalGuards: ApplicationConfig | undefined;
  private readonly connectionCounter: ConnectionCounter;
  private readonly clientAddress: ClientAddressReader;
  private readonly ownHosts: OwnHosts | undefined;
  private readonly cluster = new Cluster((status, before, cause) =>
    logBrokerStatus(this.logger, status, before, cause),
  );
  private readonly applicationCors: () => Cors | undefined;
  private readonly undos: (() => void)[] = [];

  /**
   * @param app the application, before `app.init()` and `app.listen()`. An HTTP server, or nothing, will do as for
   * `WsAdapter` with `upgradeGuards: false`; then nothing waits for an asynchronous `handleConnection`, and
   * `EnvelopeModule` is not found.
   * @throws Error where the application was initialised already; on an option, of the adapter or of a gateway, that is
   * unknown or malformed; on gateways of one path that contradict each other; on an event that no client can send; and
   * without an application where guards were to run: it could not see them
   */
  constructor(app?: INestApplicationContext | object, options: EnvelopeOptions = {}) {
    super(app);
    const context = toContext(app);
    const given = (context && findProvider<EnvelopeOptions>(context, ENVELOPE_OPTIONS)) ?? {};
    checkOptions(options, EnvelopeAdapter.name, false);
    checkOptions(given, 'EnvelopeModule', false);
    this.options = layer({ ...options, limits: layer(options.limits ?? {}, given.limits ?? {}) }, given);
    if (this.options.port !== undefined) this.options.port = toPort(this.options.port)!;
    this.guards = this.options.upgradeGuards ?? UPGRADE_GUARDS;
    if (context === undefined && this.guards !== false) throw new Error(WITHOUT_APPLICATION);
    this.globalGuards = context && configOf(context);
    this.gateways = context === undefined ? [] : exploreGateways(context);
    for (const gateway of this.gateways) this.check(gateway);
    const mounted = this.gateways.map((gateway) => ({
      gateway,
      place: showMountPoint(this.placeOfGateway(gateway)),
      guards: guardNames(gateway, this.guards),
    }));
    checkSharedPaths(mounted);
    this.connectionCounter = new ConnectionCounter(resolveAdapterLimits(this.options.limits), (limit, text) =>
      this.reports.warn(limit, text),
    );
    this.clientAddress = new ClientAddressReader(this.options.trustProxy, () =>
      this.reports.warn('trustProxy', UNKNOWN_PROXY),
    );
    this.ownHosts = compileHosts(this.options.hosts);
    const cors = context && watchCors(context);
    this.applicationCors = cors?.current ?? (() => undefined);
    if (cors !== undefined) this.undos.push(cors.undo);
    if (context !== undefined) this.undos.push(bindInOrder(context, this));
    if (context !== undefined && mounted.length === 0)
      this.undos.push(watchForGateways(context, () => this.paths(), this.logger));
    this.log = new StartupLog(this.logger, mounted);
    for (const gateway of this.gateways)
      this.undos.push(
        installFilters(gateway),
        ...gateway.handlers.map(showIterablesAsObservables),
        wrapHooks(gateway),
      );
    const hub = context && findProvider<ServerRegistry>(context, ServerRegistry);
    if (hub === undefined) return;
    hub.find = (path) =>
      path === undefined ? this.mainServer() : this.serverOf(this.options.port ?? APPLICATION, path);
    hub.servers = () => this._servers();
    hub.paths = () => this.paths();
    hub.has = (path) => this.endpoints.has(this.placeOfPath(this.options.port ?? APPLICATION, path));
  }

  /** Called by Nest, once or twice for each gateway: the same place is the same server. */
  override create(port: number, options: GatewayOptions & { server?: unknown } = {}): EnvelopeServer {
    // Nest's way to say that this is a namespace of another server
    const { server: _, ...own } = options;
    const place = this.placeOf(port, own);
    return (this.endpoints.get(place) ?? this.mount(place, own)).server;
  }

  /** Called by Nest once per gateway. */
  override bindClientConnect(server: EnvelopeServer, callback: (...args: unknown[]) => void): void {
    server.on('connection', callback);
    this.log.mounted(server.name);
  }

  /** Called by Nest once per gateway and client. */
  override bindMessageHandlers(client: EnvelopeSocket, handlers: MessageMappingProperties[]): void {
    client.nsp._mount.router.bind(client, handlers);
  }

  /** Called by Nest once per gateway and client. */
  override bindClientDisconnect(client: EnvelopeSocket, callback: (reason: DisconnectReason) => void): void {
    // a hook may have ended the connection before Nest got here
    if (client._reason !== undefined) queueMicrotask(() => client._tell(callback));
    // not pushed, and no list spread into another: a list that grows makes room for sixteen more
    else client._disconnectCallbacks = client._disconnectCallbacks?.concat(callback) ?? [callback];
  }

  /** Called by Nest when the application closes, for every server at once. */
  override async close(server: EnvelopeServer): Promise<void> {
    for (const pool of this.endpoints) if (pool.server === server) await pool.close();
  }

  /** Called by Nest after {@link close}: leaves everything as it was found. */
  override async dispose(): Promise<void> {
    // Nest closes every server before, and the HTTP server after
    const isWithApplication = [...this.endpoints].every((pool) => pool.server._isClosing);
    await Promise.all([...this.endpoints].map((pool) => pool.stop()));
    for (const router of this.routers.values()) {
      if (isWithApplication) router.disposeWithServer();
      else router.dispose();
    }
    for (const undo of this.undos.splice(0)) undo();
    this.reports.close();
    this.connections.close();
    await super.dispose();
  }

  /** Listens for upgrades on the application's server, or makes one that listens on a port of its own. */
  protected override ensureHttpServerExists(port: number, given?: Server): Server | undefined {
    if (this.httpServersRegistry.has(port)) return undefined;
    const server = given ?? this.ownServer(port);
    this.httpServersRegistry.set(port, server);
    const router = new UpgradeRouter(
      server,
      (path) => this.endpoints.handlerFor(port, path),
      (target) => this.reports.warn('unknown paths', explainUnknownPath(target, this.paths(port))),
    );
    this.routers.set(port, router);
    this.log.bound(
      server,
      this.gateways.filter((gateway) => this.placeOfGateway(gateway).port === port).length,
    );
    return server;
  }

  /** `WsAdapter`'s setter; before `app.init()`. */
  override setMessageParser(parser: MessageParser): void {
    this.options.messageParser = parser;
  }

  /** @internal What counts: the adapter's own options, and the module's. */
  get _options(): EnvelopeOptions {
    return this.options;
  }

  /** @internal The messages of the microservice protocol on a path go there. */
  _bridge(path: string | undefined, bridge: Bridge): EnvelopeServer {
    const server =
      path === undefined ? this.create(0) : this.serverOf(this.options.port ?? APPLICATION, path);
    const { router } = server._mount;
    if (router.bridge !== undefined)
      throw new Error(`EnvelopeTransport: one listens on ${server.name} already`);
    router.bridge = bridge;
    return server;
  }

  /** @internal The servers that clients can connect to, those that a RegExp namespace made among them. */
  _servers(): EnvelopeServer[] {
    return this.wantedPools().flatMap((pool) => [...pool.servers()]);
  }

  /** Nest makes servers that nobody ends up using. */
  private wantedPools(): Endpoint[] {
    return [...this.endpoints].filter(({ server }) => server._wanted);
  }

  /** Of one port, or of all. */
  private paths(port?: number): string[] {
    const pools = this.wantedPools().filter(({ place }) => port === undefined || place.port === port);
    return pools.map(({ server }) => server.name);
  }

  private ownServer(port: number): Server {
    const server = createServer((_request, response) => {
      response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket' }).end('Upgrade Required');
    });
    server.on('error', (error) =>
      this.logger.error(`The gateways on port ${port} cannot be reached: ${error.message}`),
    );
    return server.listen(port);
  }

  /** @throws Error that names the gateway */
  private check(gateway: Gateway): void {
    checkGateway(gateway);
    const undo = tellPort(gateway);
    if (undo === undefined) return;
    this.undos.push(undo);
    const { type, port, options } = gateway;
    if (options.port !== undefined) return;
    this.logger.warn(
      `${type.name}: the port is the text "${port}". Nest ignores options beside a text: write ` +
        `@WebSocketGateway(${port}, options)`,
    );
  }

  private mount(place: MountPoint, options: GatewayOptions): Endpoint {
    // a gateway that was seen was checked by its own name
    const where = showMountPoint(place);
    checkOptions(options, `The gateway on ${where}`, true);
    this.ensureHttpServerExists(
      place.port,
      place.port === APPLICATION ? (this.httpServer as Server) : undefined,
    );
    const gateways = this.gateways.filter(
      (gateway) => showMountPoint(this.placeOfGateway(gateway)) === where,
    );
    const settings = endpointConfig({
      layers: [...gateways.map((gateway) => gateway.options), options, this.options],
      gateways,
      paths: gateways.length > 0 ? [where] : this.placesOfGateways(),
      of: (path) => this.serverOf(place.port, path),
      logger: this.logger,
      reports: this.reports,
      connections: this.connections,
      clientAddress: this.clientAddress,
      connectionCounter: this.connectionCounter,
      cluster: this.cluster,
      guards: this.guards,
      globalGuards: this.globalGuards,
      applicationCors: this.applicationCors,
      ownHosts: this.ownHosts,
    });
    const pool = new Endpoint(place, settings);
    for (const { server } of this.endpoints) server._announce(pool.server);
    return this.endpoints.add(place, pool);
  }

  private placeOf(port: number, options: GatewayOptions): MountPoint {
    return gatewayMountPoint(port, options, this.options);
  }

  private placeOfGateway({ port, options }: Gateway): MountPoint {
    return this.placeOf(port, options);
  }

  private placesOfGateways(): string[] {
    return [...new Set(this.gateways.map((gateway) => showMountPoint(this.placeOfGateway(gateway))))];
  }

  /** `server.of(…)`: a path on the same port, or `:port/path`. A path that has no server yet gets one. */
  private serverOf(port: number, path: string | RegExp): EnvelopeServer {
    if (path instanceof RegExp) return this.create(port, { path: '/', namespace: path });
    const place = this.placeOfPath(port, path);
    return this.endpoints.serverFor(place.port, place.path) ?? this.mount(place, {}).server;
  }

  /** Of `/path` on that port, or of `:port/path`. */
  private placeOfPath(port: number, path: string): MountPoint {
    const named = /^:(\d+)(.*)$/.exec(path);
    return {
      port: named === null ? port : Number(named[1]),
      path: normalisePath(named === null ? path : named[2]),
    };
  }

  /** The server on the default path, or the only one that there is. */
  private mainServer(): EnvelopeServer {
    const main = this.endpoints.get(this.placeOf(APPLICATION, {}))?.server;
    if (main?._wanted === true) return main;
    const wanted = this.wantedPools();
    if (wanted.length === 1) return wanted[0]!.server;
    const names = wanted.map((pool) => pool.server.name).join(', ') || 'none';
    throw new Error(
      `EnvelopeServer: no gateway is mounted on the default path, and the paths are: ${names}. ` +
        "Inject one of them with @InjectEnvelopeServer('/path'), or set the adapter's option path.",
    );
  }
}
