import { EnvelopeServer } from '../namespace/envelope-server.js';
import type { NamespaceConfig } from '../namespace/namespace-config.js';
import { mountPointName, type MountPoint } from './mount-point.js';
import { readablePath } from './path-pattern.js';

/** What the configuration of an endpoint says about its servers. */
export type EndpointNamespace = Omit<NamespaceConfig<EnvelopeServer>, 'name' | 'parent'>;

/**
 * The servers of a RegExp namespace: one for each path that clients use. A child is removed with its last client. Clients choose
 * the paths: otherwise, the children would accumulate.
 */
export class ChildServers implements Iterable<EnvelopeServer> {
  private readonly byPath = new Map<string, EnvelopeServer>();

  constructor(
    private readonly mountPoint: MountPoint,
    private readonly expression: RegExp,
    private readonly parent: EnvelopeServer,
    private readonly namespace: EndpointNamespace,
    /** Whether a client is connecting to a server. */
    private readonly isAwaited: (server: EnvelopeServer) => boolean,
  ) {}

  /** Returns whether the RegExp matches a concrete path. */
  matches(path: string): boolean {
    const base = this.mountPoint.path === '/' ? '' : this.mountPoint.path;
    if (!path.startsWith(`${base}/`)) return false;
    this.expression.lastIndex = 0; // a global or sticky expression would continue after its last match
    const rest = readablePath(path.slice(base.length));
    return rest !== undefined && this.expression.test(rest);
  }

  /** Returns the server of a concrete path. Creates it if necessary. */
  of(path: string): EnvelopeServer {
    const known = this.byPath.get(path);
    if (known !== undefined) return known;
    const child = new EnvelopeServer();
    const name = mountPointName({ ...this.mountPoint, path, expression: undefined });
    // this creates the adapter, which is the application's code: if it throws, no incomplete child remains
    child._mount({ ...this.namespace, services: this.servicesOf(name), name, parent: this.parent });
    this.byPath.set(path, child);
    this.parent._emitNamespace(child);
    return child;
  }

  /** Removes a server, by its name, if it has no client. */
  release(name: string): void {
    const path = name.replace(/^:\d+/, '');
    const child = this.byPath.get(path);
    if (child === undefined || !child._isEmpty || this.isAwaited(child)) return;
    this.byPath.delete(path);
    void child._closeAdapter();
  }

  [Symbol.iterator](): IterableIterator<EnvelopeServer> {
    return this.byPath.values();
  }

  /**
   * Returns the services of a child. Clients choose its name, so its log lines are sampled together with those of all
   * children.
   */
  private servicesOf(name: string): EndpointNamespace['services'] {
    const { services } = this.namespace;
    const shared = (subject: string): string => this.parent.name + subject.slice(name.length);
    return {
      ...services,
      report: (error, where, _, source) => services.report(error, where, shared(where), source),
      warn: (subject, text) => services.warn(shared(subject), text),
    };
  }
}
