import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RateIdentity } from '../handshake/client-info.js';
import { patchMethod } from '../util/patch-method.js';
import { pathOf } from './path-pattern.js';
import { isWebSocket, handleAsHttpRequest } from './http-fallback.js';
import { because, publishRefusal, refusal, writeRefusal, type HttpRefusal } from './http-refusal.js';
import { hasLostUpgrade } from './lost-upgrade.js';
import { upgradePacing } from './upgrade-pacing.js';
import { detectSocketIoClient } from './unknown-path.js';
import { UnusedConnections } from './unused-connections.js';

/** Handles an upgrade, and owns its socket from then on. */
export type HandleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Returns the function that handles the upgrades of a path; `undefined` if no gateway has the path. */
type FindHandler = (path: string) => HandleUpgrade | undefined;

/** Returns the function that handles a plain request; `undefined`: the application handles it. */
type FindRequestHandler = (
  path: string,
  request: IncomingMessage,
) => ((request: IncomingMessage, response: ServerResponse) => void) | undefined;

/** Receives the requests that never become WebSockets because of a mistake in a URL or in the configuration of a proxy. */
interface UpgradeMistakes {
  /** Called with the request target of an upgrade on an unknown path. */
  readonly unknownPath: (target: string) => void;
  /** Called with the path of a gateway that got the request of a WebSocket without its `Upgrade` header. */
  readonly lostUpgrade: (path: string) => void;
}

type UpgradeArguments = Parameters<HandleUpgrade>;

/**
 * The function by which newer releases of Node (22.23 among them) decide whether to emit `upgrade` for a request, or to
 * handle it as a plain one.
 */
interface UpgradeDecider {
  shouldUpgradeCallback: (request: IncomingMessage) => boolean;
}

/**
 * Routes the upgrades of one HTTP server. It receives each upgrade before the listeners of the server. Upgrades on
 * the paths of gateways go only to the handler of the path. All others go to the other listeners. On a server without
 * other listeners, WebSockets on unknown paths get 404, and other upgrades are handled as plain HTTP requests.
 *
 * A listener alone could not do that. Every listener receives the same socket, and many assume that it is theirs.
 * `new WebSocketServer({ server, path })` answers 400 on any other path, and `@fastify/websocket` answers 404, on a
 * connection that is open already. Without a `path`, both upgrade every request, and a second `handleUpgrade` of the
 * same socket ends the process. Therefore the router wraps the server's `emit`, and leaves all listeners as they are.
 */
export class UpgradeRouter {
  private readonly undos: (() => void)[] = [];
  private readonly unused: UnusedConnections;
  private isDisposed = false;

  constructor(
    private readonly http: Server,
    private readonly findHandler: FindHandler,
    private readonly findRequestHandler: FindRequestHandler,
    private readonly mistakes: UpgradeMistakes,
    /** Returns by what limits count the client of a refused request, if that is known. */
    private readonly rateIdentityOf: (request: IncomingMessage) => RateIdentity | undefined,
  ) {
    this.unused = new UnusedConnections(http);
    // a server without an `upgrade` listener handles upgrades as plain requests
    http.on('upgrade', this.onUpgrade);
    this.undos.push(patchMethod(http, 'emit', (original) => this.wrapEmit(original)));
    if (decidesUpgrades(http)) {
      this.undos.push(patchMethod(http, 'shouldUpgradeCallback', (original) => this.wrapDecision(original)));
    }
  }

  /**
   * Disposes the router when the server closes, or at the next turn of the event loop if the server is still listening
   * then. Until the server is closed, clients on its open connections get the answer that it shuts down. Connections without a
   * request end a second later: the server would wait for them.
   */
  disposeWithServer(): void {
    const dispose = (): void => this.dispose();
    this.http.once('close', dispose);
    setImmediate(() => {
      if (!this.http.listening) return this.unused.close();
      this.http.off('close', dispose);
      dispose();
    });
  }

  /** Removes the router's listener, and restores the functions of the server. */
  dispose(): void {
    this.isDisposed = true;
    this.http.off('upgrade', this.onUpgrade);
    for (const undo of this.undos.splice(0).reverse()) undo();
  }

  private wrapEmit(original: Server['emit']): Server['emit'] {
    const emit = original as (...args: unknown[]) => boolean;
    const tryHandle = this.tryHandle.bind(this);
    const tryHandleRequest = this.tryHandleRequest.bind(this);
    const { unused } = this;
    return function (this: Server, ...args: unknown[]): boolean {
      unused.watch(args[0], args[1]);
      if (args[0] === 'request' && tryHandleRequest(args[1] as IncomingMessage, args[2] as ServerResponse))
        return true;
      return (
        (args[0] === 'upgrade' && tryHandle(...(args.slice(1) as UpgradeArguments))) || emit.apply(this, args)
      );
    } as Server['emit'];
  }

  /** Passes a request to the transport of its path, before the application sees it. @returns whether it has one */
  private tryHandleRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const path = this.isDisposed ? undefined : pathOf(request.url);
    const handle = path === undefined ? undefined : this.findRequestHandler(path, request);
    if (handle !== undefined) {
      handle(request, response);
      return true;
    }
    if (path !== undefined && hasLostUpgrade(request) && this.findHandler(path) !== undefined)
      this.mistakes.lostUpgrade(path);
    detectSocketIoClient(request, response, this.mistakes.unknownPath);
    return false;
  }

  private wrapDecision(
    original: UpgradeDecider['shouldUpgradeCallback'],
  ): UpgradeDecider['shouldUpgradeCallback'] {
    return (request) =>
      this.handlerOf(request) !== undefined ||
      ((isWebSocket(request) || this.isShared || this.isDisposed) && original.call(this.http, request));
  }

  private get isShared(): boolean {
    return this.http.listenerCount('upgrade') > 1;
  }

  private handlerOf(request: IncomingMessage): HandleUpgrade | undefined {
    const path = this.isDisposed || !isWebSocket(request) ? undefined : pathOf(request.url);
    return path === undefined ? undefined : this.findHandler(path);
  }

  /** Passes an upgrade to the handler of its path. @returns whether the path has one */
  private tryHandle(...upgrade: UpgradeArguments): boolean {
    const handle = this.handlerOf(upgrade[0]);
    if (handle !== undefined) upgradePacing.run(upgrade[1], () => handle(...upgrade));
    return handle !== undefined;
  }

  /**
   * Handles an upgrade that has no handler yet. An `emit` that was bound before the patch bypasses the wrapper, so that
   * this listener looks up the handler as well.
   */
  private readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (this.tryHandle(request, socket, head) || this.isShared) return;
    if (!isWebSocket(request)) handleAsHttpRequest(this.http, request, socket, head);
    else if (pathOf(request.url) === undefined)
      this.refuse(request, socket, because('handshake', refusal(400, 'The request target is not a path')));
    else {
      this.mistakes.unknownPath(request.url!);
      this.refuse(request, socket, because('path', refusal(404, 'No gateway is mounted on this path')));
    }
  };

  private refuse(request: IncomingMessage, socket: Duplex, answer: HttpRefusal): void {
    publishRefusal(request, answer, () => this.rateIdentityOf(request));
    writeRefusal(socket, answer);
  }
}

function decidesUpgrades(http: Server): http is Server & UpgradeDecider {
  return typeof Reflect.get(http, 'shouldUpgradeCallback') === 'function';
}
