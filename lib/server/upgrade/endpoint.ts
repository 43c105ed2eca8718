import { EnvelopeServer } from '../namespace/envelope-server.js';
import { Heartbeat } from '../transport/heartbeat.js';
import type { NamespaceConfig } from '../namespace/namespace-config.js';
import { parentAdapter } from '../rooms/parent-adapter.js';
import { UpgradeHandler, type UpgradeHandlerConfig } from './upgrade-handler.js';
import { compilePath, isPattern, NO_PARAMS, readablePath, type Params } from './path-pattern.js';
import { showMountPoint, type MountPoint } from './mount-point.js';
import type { HandleUpgrade } from './upgrade-router.js';

/** What a pool is made of, beyond its place. */
export interface EndpointConfig {
  readonly mount: Omit<NamespaceConfig<EnvelopeServer>, 'name' | 'parent'>;
  readonly gate: UpgradeHandlerConfig;
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
  private readonly gate: UpgradeHandler;
  private readonly children = new Map<string, EnvelopeServer>();
  private readonly heartbeat: Heartbeat | undefined;
  private readonly matchPath: ((path: string) => Params | undefined) | undefined;

  constructor(
    readonly place: MountPoint,
    private readonly settings: EndpointConfig,
  ) {
    const { path, expression } = place;
    const { mount, gate, pingInterval, pingTimeout } = settings;
    const hasChildren = expression !== undefined;
    this.matchPath = !hasChildren && isPattern(path) ? compilePath(path) : undefined;
    this.gate = new UpgradeHandler(
      gate,
      (concrete) => (hasChildren ? this.child(concrete) : this.server),
      (name) => hasChildren && this.release(name),
      () => this.server._isClosing,
    );
    const adapter = hasChildren ? parentAdapter(() => this.children.values(), mount.adapter) : mount.adapter;
    this.server._mountOn({ ...mount, adapter, name: showMountPoint(place) });
    if (pingInterval > 0) this.heartbeat = new Heartbeat(() => this.servers(), pingInterval, pingTimeout);
  }

  /** Whether a path needs comparing with a pattern, not looking up. */
  get isDynamic(): boolean {
    return this.matchPath !== undefined || this.place.expression !== undefined;
  }

  /** What takes the upgrades of a concrete path, `undefined` where it is not this pool's. */
  handlerFor(path: string): HandleUpgrade | undefined {
    if (!this.server._wanted) return undefined;
    const params = this.paramsOf(path);
    return params && ((request, tcp, head) => this.gate.accept(request, tcp, head, path, params));
  }

  /** The server of a concrete path of a RegExp namespace. */
  child(path: string): EnvelopeServer {
    let child = this.children.get(path);
    if (child === undefined) {
      child = new EnvelopeServer();
      const name = showMountPoint({ ...this.place, path, expression: undefined });
      // makes its adapter, which is users' code: one that fails leaves no half-made child
      child._mountOn({ ...this.settings.mount, ...this.voices(name), name, parent: this.server });
      this.children.set(path, child);
      this.server._announce(child);
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
    await Promise.all([this.gate.clear(), closed]);
  }

  async stop(): Promise<void> {
    await this.close();
    this.gate.close();
    this.heartbeat?.stop();
    await Promise.all([...this.servers()].map((server) => server._closeAdapter()));
  }

  private paramsOf(path: string): Params | undefined {
    if (this.place.expression !== undefined) return this.matchesExpression(path) ? NO_PARAMS : undefined;
    return this.matchPath === undefined ? NO_PARAMS : this.matchPath(path);
  }

  /** Path names are the clients' choice: what a log says of children is counted for all of them together. */
  private voices(name: string): Pick<EndpointConfig['mount'], 'report' | 'warn'> {
    const { report, warn } = this.settings.mount;
    const shared = (subject: string): string => this.server.name + subject.slice(name.length);
    return {
      report: (error, where) => report(error, where, shared(where)),
      warn: (subject, text) => warn(shared(subject), text),
    };
  }

  /** Path names are the clients' choice: a namespace that a RegExp made goes with its last client. */
  private release(name: string): void {
    const path = name.replace(/^:\d+/, '');
    const child = this.children.get(path);
    if (child === undefined || !child._isEmpty || this.gate.isAwaitedOn(child)) return;
    this.children.delete(path);
    void child._closeAdapter();
  }
}
