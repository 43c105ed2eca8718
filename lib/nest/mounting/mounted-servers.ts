import type { IncomingMessage } from 'node:http';
import type { AdapterServices } from './adapter-services.js';
import { endpointConfig } from './endpoint-config.js';
import type { OwnGuard } from '../gateways/find-adapter.js';
import { gatewayMountPoint, type MountedGateway } from '../gateways/gateway-mount-point.js';
import { checkOptions } from '../options/option-rules.js';
import { type EnvelopeOptions, type GatewayOptions, type PathOptions } from '../options/options.js';
import { OpenTransports } from './open-transports.js';
import { ownPath } from './own-path.js';
import type { ServerLookup } from '../injection/server-registry.js';
import { refuse } from '../../protocol/refuse.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import { Endpoint } from '../../server/upgrade/endpoint.js';
import { EndpointRegistry } from '../../server/upgrade/endpoint-registry.js';
import { mountPointName, type MountPoint } from '../../server/upgrade/mount-point.js';
import { normalisePath } from '../../server/upgrade/path-pattern.js';
import { safeCors } from '../../server/upgrade/origin.js';
import type { HandleRequest } from '../../server/upgrade/transport.js';
import type { HandleUpgrade } from '../../server/upgrade/upgrade-router.js';
import { withCode } from '../../protocol/with-code.js';

/** The port number that stands for the application's HTTP server. */
export const APPLICATION_PORT = 0;

/** Mounts the servers of one adapter on ports and paths, finds them, and closes them. */
export class MountedServers implements ServerLookup {
  private readonly endpoints = new EndpointRegistry();
  private readonly transports: OpenTransports;
  /** The servers of {@link mountOwn}. */
  private readonly own = new Set<EnvelopeServer>();

  /**
   * @param gateways the gateways of the application, in the order of their registration
   * @param listen makes the adapter receive the upgrades of a port; called before each server is mounted
   * @param onMounted called with each new server, but not with the children of RegExp namespaces
   */
  constructor(
    private readonly options: EnvelopeOptions,
    private readonly gateways: readonly MountedGateway[],
    private readonly services: AdapterServices,
    private readonly listen: (port: number) => void,
    private readonly onMounted: (server: EnvelopeServer) => void,
  ) {
    this.transports = new OpenTransports(options, services, this.endpoints, () => this.areClosing);
  }

  /** Returns the server for a gateway's options, and mounts it on the first call. */
  serverFor(port: number, options: GatewayOptions): EnvelopeServer {
    const mountPoint = gatewayMountPoint(port, options, this.options);
    return (this.endpoints.get(mountPoint) ?? this.mount(mountPoint, options)).server;
  }

  /**
   * Mounts a path of this package itself on the application's port. No gateway has it: it is in no list of servers or paths, and is
   * never the main server. Of the adapter's options it takes those that say who may connect, and the cluster's adapter.
   *
   * @param guard runs at each upgrade
   * @throws Error if the path is taken
   */
  mountOwn(path: string, options: PathOptions, guard: OwnGuard): EnvelopeServer {
    const mountPoint = { port: APPLICATION_PORT, path };
    if (this.endpoints.get(mountPoint) !== undefined)
      throw withCode('ERR_ENVELOPE_PATH_CONFLICT', new Error(`The path "${path}" has a gateway already`));
    this.listen(APPLICATION_PORT);
    const config = endpointConfig({
      name: mountPointName(mountPoint),
      gatewayLayers: [options],
      adapterOptions: connectOptions(this.options),
      gateways: [],
      paths: [path],
      of: (other) => this.of(APPLICATION_PORT, other),
      services: this.services,
      own: ownPath(path, this.services, guard),
    });
    const { server } = this.endpoints.add(mountPoint, new Endpoint(mountPoint, config));
    this.own.add(server);
    return server;
  }

  find(path: string | undefined): EnvelopeServer {
    return path === undefined ? this.mainServer() : this.of(this.defaultPort, path);
  }

  has(path: string): boolean {
    return this.endpoints.has(this.mountPointOf(this.defaultPort, path));
  }

  servers(): EnvelopeServer[] {
    return this.usedEndpoints().flatMap((endpoint) => [...endpoint.servers()]);
  }

  paths(port?: number): string[] {
    const endpoints = this.usedEndpoints().filter(
      ({ mountPoint }) => port === undefined || mountPoint.port === port,
    );
    return endpoints.map(({ server }) => server.name);
  }

  /** Returns the function that handles the upgrades of a path; `undefined` if it is no path of a transport or a gateway. */
  handlerFor(port: number, path: string): HandleUpgrade | undefined {
    return this.transports.upgradeHandler(port, path) ?? this.endpoints.handlerFor(port, path);
  }

  /** Returns the function that handles a plain HTTP request; `undefined` if it is meant for no transport. */
  requestHandlerFor(port: number, path: string, request: IncomingMessage): HandleRequest | undefined {
    return this.transports.requestHandler(port, path, request);
  }

  /** Returns the servers of gateways, without the children of RegExp namespaces. */
  topServers(): EnvelopeServer[] {
    return this.usedEndpoints().map(({ server }) => server);
  }

  get isDraining(): boolean {
    return this.services.access.draining !== undefined;
  }

  /** The servers of {@link mountOwn}. */
  get ownServers(): Iterable<EnvelopeServer> {
    return this.own;
  }

  /** Applies limits that an operator has changed. */
  refreshLimits(): void {
    for (const endpoint of this.endpoints) endpoint.refreshLimits();
    this.transports.refreshLimits();
  }

  /** Whether every server has begun to close. */
  get areClosing(): boolean {
    // Nest knows nothing of this package's own
    return [...this.endpoints].every(({ server }) => server._isClosing || this.own.has(server));
  }

  /** Disconnects the clients of one server, and refuses new ones. */
  async close(server: EnvelopeServer): Promise<void> {
    for (const endpoint of this.endpoints) if (endpoint.server === server) await endpoint.close();
  }

  /** Closes all servers, their adapters, and the further transports. */
  async stop(): Promise<void> {
    if (this.transports.areOpen) {
      // a transport closes after its namespaces: their clients receive the reason
      await Promise.all([...this.endpoints].map((endpoint) => endpoint.close()));
      await this.transports.close();
    }
    await Promise.all([...this.endpoints].map((endpoint) => endpoint.stop()));
  }

  /** Returns the endpoint of a gateway's path. @throws TypeError if no gateway has the path */
  endpointOf(path: string): Endpoint {
    const { port, path: onPort } = this.mountPointOf(this.defaultPort, path);
    const name = mountPointName({ port, path: onPort });
    // a RegExp namespace has its expression in its name
    const endpoint = this.usedEndpoints().find(({ server }) => server.name === name || server.name === path);
    if (endpoint !== undefined) return endpoint;
    const paths = this.paths().join(', ') || 'there is none';
    return refuse('EnvelopeOperations', 'path', path, `a path of a gateway: ${paths}`);
  }

  private get defaultPort(): number {
    return this.options.port ?? APPLICATION_PORT;
  }

  /** Returns the endpoints without those that Nest created and no gateway uses, and without this package's own. */
  private usedEndpoints(): Endpoint[] {
    return [...this.endpoints].filter(({ server }) => server._isUsed && !this.own.has(server));
  }

  /** @throws TypeError or Error if an option is unknown or malformed */
  private mount(mountPoint: MountPoint, options: GatewayOptions): Endpoint {
    const name = mountPointName(mountPoint);
    // the options of known gateways were checked before, with the name of their class
    checkOptions(options, `The gateway on ${name}`, true);
    this.listen(mountPoint.port);
    this.transports.open(mountPoint.port);
    const here = this.gateways.filter((mounted) => mounted.serverName === name);
    const gateways = here.map(({ gateway }) => gateway);
    const config = endpointConfig({
      name,
      gatewayLayers: [...gateways.map((gateway) => gateway.options), options],
      adapterOptions: this.options,
      gateways,
      paths: gateways.length > 0 ? [name] : [...new Set(this.gateways.map((mounted) => mounted.serverName))],
      of: (path) => this.of(mountPoint.port, path),
      services: this.services,
    });
    const endpoint = new Endpoint(mountPoint, config);
    this.onMounted(endpoint.server);
    for (const { server } of this.endpoints) server._emitNamespace(endpoint.server);
    return this.endpoints.add(mountPoint, endpoint);
  }

  /** Implements `server.of(…)`: a path on the same port, or `:port/path`. Mounts a server on a path that has none. */
  private of(port: number, path: string | RegExp): EnvelopeServer {
    if (path instanceof RegExp) return this.serverFor(port, { path: '/', namespace: path });
    const mountPoint = this.mountPointOf(port, path);
    return this.endpoints.serverFor(mountPoint.port, mountPoint.path) ?? this.mount(mountPoint, {}).server;
  }

  /** Reads `/path` on the given port, or `:port/path`. */
  private mountPointOf(port: number, path: string): MountPoint {
    const withPort = /^:(\d+)(.*)$/.exec(path);
    return {
      port: withPort === null ? port : Number(withPort[1]),
      path: normalisePath(withPort === null ? path : withPort[2]),
    };
  }

  /** Returns the server on the default path, or the only server. */
  private mainServer(): EnvelopeServer {
    const onDefaultPath = this.endpoints.get(gatewayMountPoint(APPLICATION_PORT, {}, this.options))?.server;
    if (onDefaultPath?._isUsed === true) return onDefaultPath;
    const used = this.usedEndpoints();
    if (used.length === 1) return used[0]!.server;
    const names = used.map(({ server }) => server.name).join(', ') || 'none';
    throw withCode(
      'ERR_ENVELOPE_NOT_MOUNTED',
      new Error(
        `EnvelopeServer: no gateway is mounted on the default path, and the paths are: ${names}. ` +
          "Inject one of them with @InjectEnvelopeServer('/path'), or set the adapter's option path.",
      ),
    );
  }
}

/** Returns the options that say who may connect and how, without those that change what messages mean. */
function connectOptions({
  pingInterval,
  pingTimeout,
  connectTimeout,
  shutdownTimeout,
  limits,
  adapter,
  identify,
  cors: given,
  allowRequest,
  verifyClient,
}: EnvelopeOptions): PathOptions {
  const times = { pingInterval, pingTimeout, connectTimeout, shutdownTimeout };
  // a wildcard opens gateways to all pages, but not what an administrator's cookies open
  const cors = given === undefined ? undefined : (safeCors(given) ?? false);
  const options = { ...times, limits, adapter, identify, cors, allowRequest, verifyClient };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
