import type { Server } from 'node:http';
import { Logger, type INestApplicationContext, type Type } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { MessageMappingProperties } from '@nestjs/websockets';
import { AdapterOperations } from './mounting/adapter-operations.js';
import { createAdapterServices, type AdapterServices } from './mounting/adapter-services.js';
import { ENVELOPE_OPTIONS } from './envelope-module.js';
import { setUpGateways } from './mounting/gateway-setup.js';
import { toContext } from './gateways/application-context.js';
import { bindInOrder } from './gateways/binding-order.js';
import { configOf, type OwnGuard } from './gateways/find-adapter.js';
import { checkGateway, checkSharedPaths } from './gateways/gateway-check.js';
import { exploreControllers, exploreGateways, findProvider } from './gateways/gateway-explorer.js';
import { mountGateways } from './gateways/gateway-mount-point.js';
import { watchSocketModule } from './gateways/socket-module.js';
import { guardNames } from './guards/upgrade-guards.js';
import { shortenArgumentReading } from './handlers/argument-reader.js';
import { HandlerSharing } from './handlers/handler-sharing.js';
import { logAudit } from './logging/audit-log.js';
import { StartupLog } from './logging/startup-log.js';
import { APPLICATION_PORT, MountedServers } from './mounting/mounted-servers.js';
import { EnvelopeOperations } from './operations/envelope-operations.js';
import { resolveAdapterOptions } from './options/adapter-options.js';
import type { EnvelopeOptions, GatewayOptions, PathOptions } from './options/options.js';
import { createPortServer } from './mounting/port-server.js';
import { ServerRegistry } from './injection/server-registry.js';
import { UpgradeRouters } from './mounting/upgrade-routers.js';
import { watchForGateways } from './injection/wiring-check.js';
import type { Audited } from '../server/diagnostics/audit.js';
import type { EnvelopeServer } from '../server/namespace/envelope-server.js';
import type { EnvelopeSocket } from '../server/socket/envelope-socket.js';
import type { PacketHandler, MessageParser } from '../server/socket/message-router.js';
import type { DisconnectReason } from '../server/transport/disconnect-reason.js';
import { withCode } from '../protocol/with-code.js';

/**
 * Serves Nest's gateways over plain RFC 6455 WebSocket and the envelope, on the application's HTTP server. It is a `WsAdapter`
 * with rooms, namespaces, acknowledgements and server-side broadcast.
 *
 * @example
 * app.useWebSocketAdapter(new EnvelopeAdapter(app));
 */
export class EnvelopeAdapter extends WsAdapter {
  protected override readonly logger = new Logger(EnvelopeAdapter.name);
  /** What an operator can do while the application runs: drain, limits, blocks. */
  readonly operations: EnvelopeOperations;
  private readonly options: EnvelopeOptions;
  private readonly context: INestApplicationContext | undefined;
  private readonly services: AdapterServices;
  private readonly mounted: MountedServers;
  private readonly routers: UpgradeRouters;
  private readonly startupLog: StartupLog;
  private readonly handlerSharing: HandlerSharing;
  /** Each function undoes one change to the application or its gateways. */
  private readonly undos: (() => void)[];

  /**
   * @param app the application, before `app.init()` and `app.listen()`. As with `WsAdapter`, it may be an HTTP server or
   * absent, if `upgradeGuards` is `false`. Then messages do not wait for an asynchronous `handleConnection`, and the adapter
   * ignores `EnvelopeModule`.
   * @param options the options; each of them wins over the same option of `EnvelopeModule`. Default: none
   * @throws Error if the application is initialised already; if an option of the adapter or a gateway is unknown or
   * malformed; if gateways of one path contradict each other; if no client can send the event of a handler; or if guards
   * should run before connections open, but `app` is no application, so that the adapter cannot see them
   */
  constructor(app?: INestApplicationContext | object, options: EnvelopeOptions = {}) {
    super(app);
    const context = (this.context = toContext(app));
    const ofModule = context && findProvider<EnvelopeOptions>(context, ENVELOPE_OPTIONS);
    this.options = resolveAdapterOptions(options, ofModule ?? {});
    const gateways = context === undefined ? [] : exploreGateways(context);
    gateways.forEach(checkGateway);
    const mountedGateways = mountGateways(gateways, this.options);
    checkSharedPaths(mountedGateways);
    this.services = createAdapterServices(this.options, context, () => this.logger);
    const registry = context && findProvider<ServerRegistry>(context, ServerRegistry);
    this.operations = registry?.operations ?? new EnvelopeOperations();
    this.mounted = new MountedServers(
      this.options,
      mountedGateways,
      this.services,
      (port) => {
        this.ensureHttpServerExists(
          port,
          port === APPLICATION_PORT ? (this.httpServer as Server) : undefined,
        );
      },
      (server) => blocks.join(server),
    );
    const blocks = this.operations._attach(new AdapterOperations(this.options, this.services, this.mounted));
    if (registry !== undefined) registry.lookup = this.mounted;
    this.routers = new UpgradeRouters(this.mounted, this.services);
    this.startupLog = new StartupLog(this.logger, mountedGateways, (gateway) =>
      guardNames(gateway, this.services.guards),
    );
    this.handlerSharing = new HandlerSharing(
      context,
      () => this.bindMessageHandlers === EnvelopeAdapter.prototype.bindMessageHandlers,
    );
    this.undos = [...setUpGateways(gateways, this.logger), () => this.handlerSharing.end()];
    if (context !== undefined) this.connectTo(context, gateways.length > 0);
  }

  /** Called by Nest, once or twice for each gateway. Returns the same server for the same port and path. */
  override create(port: number, options: GatewayOptions & { server?: unknown } = {}): EnvelopeServer {
    // Nest sets `server` for a namespace of another server
    const { server: _, ...gatewayOptions } = options;
    return this.mounted.serverFor(port, gatewayOptions);
  }

  /** Called by Nest once per gateway. Calls `callback` for each new client, and logs the gateways of the path. */
  override bindClientConnect(server: EnvelopeServer, callback: (...args: unknown[]) => void): void {
    this.handlerSharing.begin();
    server.on('connection', callback);
    this.startupLog.mounted(server.name);
  }

  /**
   * Called by Nest once per gateway and client in a class that overrides it, otherwise for the first client of each gateway.
   * Adds the handlers of the gateway for the client's messages.
   */
  override bindMessageHandlers(client: EnvelopeSocket, handlers: MessageMappingProperties[]): void {
    this.handlerSharing.noteBound(handlers);
    client.nsp._config.gateway.router.bind(client, handlers);
  }

  /** Called by Nest once per gateway and client. Calls `callback` when the client disconnects. */
  override bindClientDisconnect(client: EnvelopeSocket, callback: (reason: DisconnectReason) => void): void {
    client._lifecycle.onDisconnect(callback);
  }

  /** Called by Nest for every server when the application closes. Disconnects the clients, and refuses new ones. */
  override async close(server: EnvelopeServer): Promise<void> {
    await this.mounted.close(server);
  }

  /** Called by Nest after {@link close}. Closes all servers, and undoes the adapter's changes to the application. */
  override async dispose(): Promise<void> {
    // when the application closes, Nest closes every server before this call, and the HTTP server after it
    const isApplicationClosing = this.mounted.areClosing;
    await this.mounted.stop();
    this.routers.dispose(isApplicationClosing);
    for (const undo of this.undos.splice(0)) undo();
    this.services.close();
    await super.dispose();
  }

  /**
   * Makes the gateways of a port receive its upgrades, on the given HTTP server or on a new one that listens on the port.
   *
   * @returns the HTTP server; `undefined` if the port has one already
   */
  protected override ensureHttpServerExists(port: number, given?: Server): Server | undefined {
    if (this.httpServersRegistry.has(port)) return undefined;
    const http =
      given ??
      createPortServer(port, ({ message }) =>
        this.logger.error(`The gateways on port ${port} cannot be reached: ${message}`),
      );
    this.httpServersRegistry.set(port, http);
    this.routers.add(port, http);
    this.startupLog.bound(port, http);
    return http;
  }

  /**
   * Sets the option `messageParser`, as in `WsAdapter`. It has no effect after `app.init()`.
   *
   * @example
   * adapter.setMessageParser((data) => JSON.parse(String(data)));
   */
  override setMessageParser(parser: MessageParser): void {
    this.options.messageParser = parser;
  }

  /** @internal The options of the constructor, those of `EnvelopeModule`, and no defaults. */
  get _options(): EnvelopeOptions {
    return this.options;
  }

  /** @internal The classes of the application's controllers. */
  get _controllers(): readonly Type[] {
    return this.context === undefined ? [] : exploreControllers(this.context);
  }

  /**
   * @internal Passes the messages of the microservice protocol on a path to `packetHandler`.
   * @throws Error if the path has an `EnvelopeTransport` already
   */
  _handlePackets(path: string | undefined, packetHandler: PacketHandler): EnvelopeServer {
    const server = path === undefined ? this.create(APPLICATION_PORT) : this.mounted.find(path);
    const { router } = server._config.gateway;
    if (router.packetHandler !== undefined)
      throw withCode(
        'ERR_ENVELOPE_PATH_CONFLICT',
        new Error(
          `EnvelopeTransport: path "${server.name}" already has a transport. Use one EnvelopeTransport per path`,
        ),
      );
    router.packetHandler = packetHandler;
    router.hasOrder ||= packetHandler.hasOrder;
    return server;
  }

  /** @internal The servers that clients can connect to, including the children of RegExp namespaces. */
  _servers(): EnvelopeServer[] {
    return this.mounted.servers();
  }

  /** @internal Logs what an operator did, and publishes it on the diagnostics channel `audit`. */
  _audit(done: Audited): void {
    logAudit(this.logger, done);
  }

  /** @internal Mounts a path of this package itself. See {@link MountedServers.mountOwn}. */
  _mountOwn(path: string, options: PathOptions, guard: OwnGuard): EnvelopeServer {
    return this.mounted.mountOwn(path, options, guard);
  }

  private connectTo(app: INestApplicationContext, hasGateways: boolean): void {
    const shorten = (module: object): void =>
      shortenArgumentReading(module, () => configOf(app)?.getIoAdapter() === this);
    this.undos.push(
      watchSocketModule(app, this, shorten, (module) => {
        shorten(module);
        bindInOrder(app, module, this);
      }),
    );
    if (!hasGateways) this.undos.push(watchForGateways(app, () => this.mounted.paths(), this.logger));
  }
}
