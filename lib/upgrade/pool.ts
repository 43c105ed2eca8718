import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { EnvelopeServer } from '../server/envelope.server.js';
import { Heartbeat } from '../server/heartbeat.js';
import type { Mount } from '../server/mount.js';
import { parentAdapter } from '../server/parent-adapter.js';
import { compilePath, isPattern, type Params } from './path.js';
import { showPlace, type Place } from './place.js';
import type { UpgradeHandler } from './upgrade-router.js';

/** What a pool is made of, beyond its place. */
export interface PoolSettings {
  readonly mount: Omit<Mount<EnvelopeServer>, 'name' | 'parent'>;
  readonly ws: ServerOptions;
  /** Milliseconds; 0 turns the heartbeat off. */
  readonly pingInterval: number;
  readonly pingTimeout: number;
}

/**
 * One place where clients connect: a port and a URL path, a path with `:params`, or all paths below `base` whose
 * rest a RegExp matches; those get a server each, which goes with its last client.
 */
export class Pool {
  readonly server = new EnvelopeServer();
  private readonly acceptor: WebSocketServer;
  private readonly children = new Map<string, EnvelopeServer>();
  /** How many lines a child has, those that are not connected yet included. */
  private readonly lines = new Map<EnvelopeServer, number>();
  private readonly heartbeats = new Map<EnvelopeServer, Heartbeat>();
  private readonly matchPath: ((path: string) => Params | undefined) | undefined;

  constructor(
    readonly place: Place,
    private readonly settings: PoolSettings,
  ) {
    const { path, expression } = place;
    this.acceptor = new WebSocketServer({ ...settings.ws, noServer: true });
    this.matchPath = expression === undefined && isPattern(path) ? compilePath(path) : undefined;
    const adapter =
      expression === undefined ? settings.mount.adapter : parentAdapter(() => this.children.values());
    this.mount(this.server, { ...settings.mount, adapter, name: showPlace(place) });
  }

  /** Whether a path needs comparing with a pattern, not looking up. */
  get isDynamic(): boolean {
    return this.matchPath !== undefined || this.place.expression !== undefined;
  }

  /** What takes the upgrades of a concrete path, `undefined` where it is not this pool's. */
  handlerFor(path: string): { handler: UpgradeHandler; params: Params } | undefined {
    if (!this.server._wanted) return undefined;
    if (this.place.expression !== undefined) {
      if (!this.matchesExpression(path)) return undefined;
      return { handler: this.childHandler(path), params: {} };
    }
    const params = this.matchPath === undefined ? {} : this.matchPath(path);
    return params === undefined
      ? undefined
      : { handler: this.handler((ws, request, params) => this.server._connect(ws, request, params)), params };
  }

  /** The server of a concrete path of a RegExp namespace. */
  child(path: string): EnvelopeServer {
    let child = this.children.get(path);
    if (child === undefined) {
      child = new EnvelopeServer();
      this.children.set(path, child);
      this.mount(child, {
        ...this.settings.mount,
        name: showPlace({ ...this.place, path, expression: undefined }),
        parent: this.server,
      });
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
    return expression.test(path.slice(base.length));
  }

  /** The servers that have sockets of their own. */
  *servers(): Iterable<EnvelopeServer> {
    yield this.server;
    yield* this.children.values();
  }

  /** Says goodbye to every client and lets nobody in any more. */
  async close(): Promise<void> {
    await Promise.all([...this.servers()].map((server) => server.close()));
  }

  async stop(): Promise<void> {
    await this.close();
    for (const ws of this.acceptor.clients) ws.terminate();
    for (const heartbeat of this.heartbeats.values()) heartbeat.stop();
    this.heartbeats.clear();
    this.acceptor.close();
    await Promise.all([...this.servers()].map((server) => server._closeAdapter()));
  }

  private mount(server: EnvelopeServer, mount: Mount<EnvelopeServer>): void {
    server._mountOn(mount);
    const { pingInterval, pingTimeout } = this.settings;
    if (pingInterval > 0)
      this.heartbeats.set(server, new Heartbeat(server.sockets, pingInterval, pingTimeout));
  }

  private handler(open: (ws: WebSocket, request: IncomingMessage, params: Params) => void): UpgradeHandler {
    return (request: IncomingMessage, socket: Duplex, head: Buffer, params: Params) => {
      this.acceptor.handleUpgrade(request, socket, head, (ws) => open(ws, request, params));
    };
  }

  private childHandler(path: string): UpgradeHandler {
    return this.handler((ws, request, params) => {
      const child = this.child(path);
      this.hold(child, path, ws);
      child._connect(ws, request, params);
    });
  }

  /** Path names are the clients' choice: a namespace that a RegExp made goes with its last line. */
  private hold(child: EnvelopeServer, path: string, ws: WebSocket): void {
    this.lines.set(child, (this.lines.get(child) ?? 0) + 1);
    ws.once('close', () => {
      const left = (this.lines.get(child) ?? 1) - 1;
      this.lines.set(child, left);
      if (left === 0) this.release(child, path);
    });
  }

  private release(child: EnvelopeServer, path: string): void {
    this.lines.delete(child);
    this.children.delete(path);
    this.heartbeats.get(child)?.stop();
    this.heartbeats.delete(child);
    void child._closeAdapter();
  }
}
