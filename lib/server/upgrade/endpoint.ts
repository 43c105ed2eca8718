import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { EnvelopeServer } from '../namespace/envelope-server.js';
import { Heartbeat } from '../transport/heartbeat.js';
import type { NamespaceConfig } from '../namespace/namespace-config.js';
import { parentAdapter } from '../rooms/parent-adapter.js';
import { UpgradeHandler, type UpgradeHandlerConfig } from './upgrade-handler.js';
import { compilePath, isPattern, NO_PARAMS, readablePath, type Params } from './path-pattern.js';
import { showMountPoint, type MountPoint } from './mount-point.js';
import type { ConnectionRequest } from './connection-request.js';

/** How the clients of one mount point connect, and what their namespace gets. */
export interface EndpointConfig {
  readonly namespace: Omit<NamespaceConfig<EnvelopeServer>, 'name' | 'parent'>;
  readonly upgrade: UpgradeHandlerConfig;
  /** Milliseconds; 0 turns the heartbeat off. */
  readonly pingInterval: number;
  readonly pingTimeout: number;
}

/**
 * One place where clients connect: a port and a URL path, a path with `:params`, or all paths below `base` whose
 * rest a RegExp matches; those get a server each, which goes with its last client.
 */
export class Endpoint {
  readonly server = new EnvelopeServer();
  private readonly upgrades: UpgradeHandler;
  private readonly children = new Map<string, EnvelopeServer>();
  private readonly heartbeat: Heartbeat | undefined;
  private readonly matchPath: ((path: string) => Params | undefined) | undefined;

  constructor(
    readonly place: MountPoint,
    private readonly settings: EndpointConfig,
  ) {
    const { path, expression } = place;
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
    this.server._mount({ ...namespace, services, name: showMountPoint(place) });
    if (pingInterval > 0)
      this.heartbeat = new Heartbeat(this.upgrades.connections, pingInterval, pingTimeout);
  }

  /** Whether a path needs comparing with a pattern, not looking up. */
  get isDynamic(): boolean {
    return this.matchPath !== undefined || this.place.expression !== undefined;
  }

  /** Returns the values of `:params` in a concrete path; `undefined`: it is another endpoint's path, or has no gateway. */
  match(path: string): Params | undefined {
    return this.server._isUsed ? this.paramsOf(path) : undefined;
  }

  /** Takes the upgrade request of a WebSocket on a path that {@link match} accepts. */
  upgrade(request: IncomingMessage, tcp: Duplex, head: Buffer, path: string, params: Params): void {
    this.upgrades.acceptWebSocket(request, tcp, head, path, params);
  }

  /** Takes a request to connect, of any transport, on a path that {@link match} accepts. */
  connect(attempt: ConnectionRequest, path: string, params: Params): void {
    this.upgrades.accept(attempt, path, params);
  }

  /** The server of a concrete path of a RegExp namespace. */
  child(path: string): EnvelopeServer {
    let child = this.children.get(path);
    if (child === undefined) {
      child = new EnvelopeServer();
      const name = showMountPoint({ ...this.place, path, expression: undefined });
      // makes its adapter, which is users' code: one that fails leaves no half-made child
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

  matchesExpression(path: string): boolean {
    const { expression } = this.place;
    if (expression === undefined) return false;
    const base = this.place.path === '/' ? '' : this.place.path;
    if (!path.startsWith(`${base}/`)) return false;
    expression.lastIndex = 0; // a global or sticky expression remembers where it was
    const rest = readablePath(path.slice(base.length));
    return rest !== undefined && expression.test(rest);
  }

  /** The servers that have sockets of their own. */
  *servers(): Iterable<EnvelopeServer> {
    yield this.server;
    yield* this.children.values();
  }

  /** Says goodbye to every client and lets nobody in any more. */
  async close(): Promise<void> {
    const closed = Promise.all([...this.servers()].map((server) => server.close()));
    await Promise.all([this.upgrades.clear(), closed]);
  }

  async stop(): Promise<void> {
    await this.close();
    this.upgrades.close();
    this.heartbeat?.stop();
    await Promise.all([...this.servers()].map((server) => server._closeAdapter()));
  }

  private paramsOf(path: string): Params | undefined {
    if (this.place.expression !== undefined) return this.matchesExpression(path) ? NO_PARAMS : undefined;
    return this.matchPath === undefined ? NO_PARAMS : this.matchPath(path);
  }

  /** The services of a child. Clients choose its name, so its log lines are sampled together with those of all children. */
  private childServices(name: string): EndpointConfig['namespace']['services'] {
    const { services } = this.settings.namespace;
    const shared = (subject: string): string => this.server.name + subject.slice(name.length);
    return {
      ...services,
      report: (error, where) => services.report(error, where, shared(where)),
      warn: (subject, text) => services.warn(shared(subject), text),
    };
  }

  /** Path names are the clients' choice: a namespace that a RegExp made goes with its last client. */
  private release(name: string): void {
    const path = name.replace(/^:\d+/, '');
    const child = this.children.get(path);
    if (child === undefined || !child._isEmpty || this.upgrades.isAwaitedOn(child)) return;
    this.children.delete(path);
    void child._closeAdapter();
  }
}
