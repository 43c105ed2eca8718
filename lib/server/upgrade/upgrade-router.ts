import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { patchMethod } from '../util/patch-method.js';
import { pathOf } from './path-pattern.js';
import { isWebSocket, handleAsHttpRequest } from './http-fallback.js';
import { refusal, refuseUpgrade } from './http-refusal.js';
import { noticeSocketIo } from './unknown-path.js';

/** Takes an upgrade over: from here on the socket is its own. */
export type HandleUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Finds who takes the upgrades of a path. */
export type FindHandler = (path: string) => HandleUpgrade | undefined;

type UpgradeArguments = Parameters<HandleUpgrade>;

/** Of newer releases of Node, 22.23 among them: whether a request that asks for an upgrade gets it, or is answered as a plain one. */
interface Decider {
  shouldUpgradeCallback: (request: IncomingMessage) => boolean;
}

/**
 * First stop of a connection: hears of every upgrade on one HTTP server before the server's listeners do, and hands
 * those of our paths to the path's owner alone. Those that nobody here owns go to the listeners as ever; where
 * there are none, WebSockets are answered with 404, and the rest as the plain requests that they are as well.
 *
 * Being a listener is not enough for that. Each of them gets the same socket, and many take it for theirs:
 * `new WebSocketServer({ server, path })` answers 400 to every path but its own, `@fastify/websocket` 404, into a
 * connection that is open already; without a `path` it upgrades all, and the second `handleUpgrade` of one socket
 * ends the process. So the server's `emit` is overlaid, and nobody's listener is touched.
 */
export class UpgradeRouter {
  private readonly undos: (() => void)[] = [];
  private isDisposed = false;

  constructor(
    private readonly http: Server,
    private readonly find: FindHandler,
    /** Hears of a path that nobody has, by the target of the request. */
    private readonly onUnknown: (target: string) => void,
  ) {
    // a server without a listener answers upgrades as plain requests
    http.on('upgrade', this.onUpgrade);
    this.undos.push(patchMethod(http, 'emit', (underneath) => this.overEmit(underneath)));
    if (isDecider(http)) {
      this.undos.push(
        patchMethod(http, 'shouldUpgradeCallback', (underneath) => this.overDecision(underneath)),
      );
    }
  }

  /**
   * Goes with the server, where that is closed next: who is on a connection that it still has hears that it shuts down.
   */
  disposeWithServer(): void {
    const dispose = (): void => this.dispose();
    this.http.once('close', dispose);
    setImmediate(() => {
      if (!this.http.listening) return;
      this.http.off('close', dispose);
      dispose();
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.http.off('upgrade', this.onUpgrade);
    for (const undo of this.undos.splice(0).reverse()) undo();
  }

  private overEmit(underneath: Server['emit']): Server['emit'] {
    const emit = underneath as (...args: unknown[]) => boolean;
    const take = this.take.bind(this);
    const { onUnknown } = this;
    return function (this: Server, ...args: unknown[]): boolean {
      if (args[0] === 'request')
        noticeSocketIo(args[1] as IncomingMessage, args[2] as ServerResponse, onUnknown);
      return (
        (args[0] === 'upgrade' && take(...(args.slice(1) as UpgradeArguments))) || emit.apply(this, args)
      );
    } as Server['emit'];
  }

  private overDecision(underneath: Decider['shouldUpgradeCallback']): Decider['shouldUpgradeCallback'] {
    return (request) =>
      this.owner(request) !== undefined ||
      ((isWebSocket(request) || this.isShared || this.isDisposed) && underneath.call(this.http, request));
  }

  private get isShared(): boolean {
    return this.http.listenerCount('upgrade') > 1;
  }

  private owner(request: IncomingMessage): HandleUpgrade | undefined {
    const path = this.isDisposed || !isWebSocket(request) ? undefined : pathOf(request.url);
    return path === undefined ? undefined : this.find(path);
  }

  private take(...upgrade: UpgradeArguments): boolean {
    const owner = this.owner(upgrade[0]);
    owner?.(...upgrade);
    return owner !== undefined;
  }

  /** Where the event came past the overlay, as from an `emit` that was bound before, ours are ours still. */
  private readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (this.take(request, socket, head) || this.isShared) return;
    if (!isWebSocket(request)) handleAsHttpRequest(this.http, request, socket, head);
    else if (pathOf(request.url) === undefined)
      refuseUpgrade(request, socket, refusal(400, 'The request target is not a path'));
    else {
      this.onUnknown(request.url!);
      refuseUpgrade(request, socket, refusal(404, 'No gateway is mounted on this path'));
    }
  };
}

function isDecider(http: Server): http is Server & Decider {
  return typeof Reflect.get(http, 'shouldUpgradeCallback') === 'function';
}
