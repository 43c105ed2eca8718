import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { EnvelopeServer } from '../namespace/envelope-server.js';
import { Heartbeat } from '../transport/heartbeat.js';
import type { WebSocketOptions } from '../transport/web-socket-acceptor.js';
import { parentAdapter } from '../rooms/parent-adapter.js';
import { ChildServers, type EndpointNamespace } from './child-servers.js';
import { UpgradeHandler, type UpgradeHandlerConfig } from './upgrade-handler.js';
import { compilePath, isPattern, NO_PARAMS, type Params } from './path-pattern.js';
import { mountPointName, type MountPoint } from './mount-point.js';
import type { OriginCheck } from './upgrade-checks.js';
import type { ConnectionRequest } from './connection-request.js';

/** The configuration of one endpoint: its namespace, its upgrades and its heartbeat. */
export interface EndpointConfig {
  readonly namespace: EndpointNamespace;
  readonly upgrade: UpgradeHandlerConfig;
  /** The limits of the path as they are now; `Infinity`: no limit. */
  readonly limits: Readonly<Record<string, number>>;
  /** Updates all limits of the path, which an operator has changed. @returns those that `ws` enforces itself */
  readonly refreshLimits: () => WebSocketOptions;
  /** Milliseconds between two pings; 0 disables the heartbeat. */
  readonly pingInterval: number;
  /** Milliseconds that a client has to answer a ping. */
  readonly pingTimeout: number;
}

/**
 * A mount point with its server and its upgrades. Clients connect to a port and a URL path, to a path with `:params`,
 * or to any path below a base whose rest matches a RegExp.
 */
export class Endpoint {
  readonly server = new EnvelopeServer();
  private readonly upgrades: UpgradeHandler;
  /** The servers of the paths of a RegExp; `undefined` without one. */
  readonly children: ChildServers | undefined;
  private readonly heartbeat: Heartbeat | undefined;
  private readonly matchPath: ((path: string) => Params | undefined) | undefined;

  constructor(
    readonly mountPoint: MountPoint,
    private readonly settings: EndpointConfig,
  ) {
    const { path, expression } = mountPoint;
    const { namespace, upgrade, pingInterval, pingTimeout } = settings;
    const children =
      expression &&
      new ChildServers(mountPoint, expression, this.server, namespace, (child) =>
        this.upgrades.hasPendingUpgrade(child),
      );
    this.children = children;
    this.matchPath = children === undefined && isPattern(path) ? compilePath(path) : undefined;
    this.upgrades = new UpgradeHandler(
      upgrade,
      (concrete) => children?.of(concrete) ?? this.server,
      (name) => children?.release(name),
      () => this.server._isClosing,
    );
    let { services } = namespace;
    if (children !== undefined)
      services = { ...services, adapter: parentAdapter(() => children, services.adapter) };
    this.server._mount({ ...namespace, services, name: mountPointName(mountPoint) });
    if (pingInterval > 0)
      this.heartbeat = new Heartbeat(this.upgrades.connections, pingInterval, pingTimeout);
  }

  /** Whether paths are matched against a pattern. If not, a lookup by name finds the endpoint. */
  get isDynamic(): boolean {
    return this.matchPath !== undefined || this.children !== undefined;
  }

  /**
   * Returns the values of `:params` in a concrete path; `undefined` if the path does not match, or no gateway uses the
   * endpoint.
   */
  match(path: string): Params | undefined {
    return this.server._isUsed ? this.paramsOf(path) : undefined;
  }

  /** The limits of the path as they are now; `Infinity`: no limit. */
  get limits(): Readonly<Record<string, number>> {
    return this.settings.limits;
  }

  /** Applies limits that an operator has changed. */
  refreshLimits(): void {
    this.upgrades.setLimits(this.settings.refreshLimits());
  }

  /** Decides whether pages of a request's origin may connect. */
  get checkOrigin(): OriginCheck {
    return this.settings.upgrade.checkOrigin;
  }

  /** Milliseconds between two pings, and for a client to answer one. */
  get heartbeatTimes(): Pick<EndpointConfig, 'pingInterval' | 'pingTimeout'> {
    return this.settings;
  }

  /** Handles the upgrade request of a WebSocket on a path that {@link match} accepts. */
  upgrade(request: IncomingMessage, tcp: Duplex, head: Buffer, path: string, params: Params): void {
    this.upgrades.acceptWebSocket(request, tcp, head, path, params);
  }

  /** Handles a request to connect, on any transport, on a path that {@link match} accepts. */
  connect(request: ConnectionRequest, path: string, params: Params): void {
    this.upgrades.accept(request, path, params);
  }

  /** Yields the server and the children of a RegExp namespace. */
  *servers(): Iterable<EnvelopeServer> {
    yield this.server;
    if (this.children !== undefined) yield* this.children;
  }

  /** Closes the connection of every client with 1001, and refuses further ones. */
  async close(): Promise<void> {
    const closed = Promise.all([...this.servers()].map((server) => server.close()));
    await Promise.all([this.upgrades.clear(), closed]);
  }

  /** Closes all connections, then stops the heartbeat and closes the adapters. */
  async stop(): Promise<void> {
    await this.close();
    this.upgrades.close();
    this.heartbeat?.stop();
    await Promise.all([...this.servers()].map((server) => server._closeAdapter()));
  }

  private paramsOf(path: string): Params | undefined {
    if (this.children !== undefined) return this.children.matches(path) ? NO_PARAMS : undefined;
    return this.matchPath === undefined ? NO_PARAMS : this.matchPath(path);
  }
}
