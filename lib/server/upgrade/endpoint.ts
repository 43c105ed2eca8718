import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { EnvelopeServer } from '../namespace/envelope-server.js';
import { Heartbeat } from '../transport/heartbeat.js';
import type { WebSocketOptions } from '../transport/web-socket-acceptor.js';
import type { NamespaceConfig } from '../namespace/namespace-config.js';
import { parentAdapter } from '../rooms/parent-adapter.js';
import { UpgradeHandler, type UpgradeHandlerConfig } from './upgrade-handler.js';
import { compilePath, isPattern, NO_PARAMS, readablePath, type Params } from './path-pattern.js';
import { mountPointName, type MountPoint } from './mount-point.js';
import type { OriginCheck } from './upgrade-checks.js';
import type { ConnectionRequest } from './connection-request.js';

/** The configuration of one endpoint: its namespace, its upgrades and its heartbeat. */
export interface EndpointConfig {
  readonly namespace: Omit<NamespaceConfig<EnvelopeServer>, 'name' | 'parent'>;
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
 * or to any path below a base whose rest matches a RegExp. Each path of a RegExp gets a child server, which is removed
 * with its last client.
 */
export class Endpoint {
  readonly server = new EnvelopeServer();
  private readonly upgrades: UpgradeHandler;
  private readonly children = new Map<string, EnvelopeServer>();
  private readonly heartbeat: Heartbeat | undefined;
  private readonly matchPath: ((path: string) => Params | undefined) | undefined;

  constructor(
    readonly mountPoint: MountPoint,
    private readonly settings: EndpointConfig,
  ) {
    const { path, expression } = mountPoint;
    const { namespace, upgrade, pingInterval, pingTimeout } = settings;
    const hasChildren = expression !== undefined;
    this.matchPath = !hasChildren && isPattern(path) ? compilePath(path) : undefined;
    this.upgrades = new UpgradeHandler(
      upgrade,
      (concrete) => (hasChildren ? this.child(concrete) : this.server),
      (name) => hasChildren && this.release(name),
      () => this.server._isClosing,
    );
    let { services } = namespace;
    if (hasChildren)
      services = { ...services, adapter: parentAdapter(() => this.children.values(), services.adapter) };
    this.server._mount({ ...namespace, services, name: mountPointName(mountPoint) });
    if (pingInterval > 0)
      this.heartbeat = new Heartbeat(this.upgrades.connections, pingInterval, pingTimeout);
  }

  /** Whether paths are matched against a pattern. If not, a lookup by name finds the endpoint. */
  get isDynamic(): boolean {
    return this.matchPath !== undefined || this.mountPoint.expression !== undefined;
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

  /** Returns the server of a concrete path of a RegExp namespace. Creates it if necessary. */
  child(path: string): EnvelopeServer {
    let child = this.children.get(path);
    if (child === undefined) {
      child = new EnvelopeServer();
      const name = mountPointName({ ...this.mountPoint, path, expression: undefined });
      // this creates the adapter, which is the application's code: if it throws, no incomplete child remains
      child._mount({
        ...this.settings.namespace,
        services: this.childServices(name),
        name,
        parent: this.server,
      });
      this.children.set(path, child);
      this.server._emitNamespace(child);
    }
    return child;
  }

  /** Returns whether the RegExp of this endpoint matches a concrete path. */
  matchesExpression(path: string): boolean {
    const { expression } = this.mountPoint;
    if (expression === undefined) return false;
    const base = this.mountPoint.path === '/' ? '' : this.mountPoint.path;
    if (!path.startsWith(`${base}/`)) return false;
    expression.lastIndex = 0; // a global or sticky expression would continue after its last match
    const rest = readablePath(path.slice(base.length));
    return rest !== undefined && expression.test(rest);
  }

  /** Yields the server and the children of a RegExp namespace. */
  *servers(): Iterable<EnvelopeServer> {
    yield this.server;
    yield* this.children.values();
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
    if (this.mountPoint.expression !== undefined) return this.matchesExpression(path) ? NO_PARAMS : undefined;
    return this.matchPath === undefined ? NO_PARAMS : this.matchPath(path);
  }

  /**
   * Returns the services of a child. Clients choose its name, so its log lines are sampled together with those of all
   * children.
   */
  private childServices(name: string): EndpointConfig['namespace']['services'] {
    const { services } = this.settings.namespace;
    const shared = (subject: string): string => this.server.name + subject.slice(name.length);
    return {
      ...services,
      report: (error, where, _, source) => services.report(error, where, shared(where), source),
      warn: (subject, text) => services.warn(shared(subject), text),
    };
  }

  /**
   * Removes a child of a RegExp namespace after its last client. Clients choose the paths: otherwise, the children
   * would accumulate.
   */
  private release(name: string): void {
    const path = name.replace(/^:\d+/, '');
    const child = this.children.get(path);
    if (child === undefined || !child._isEmpty || this.upgrades.hasPendingUpgrade(child)) return;
    this.children.delete(path);
    void child._closeAdapter();
  }
}
