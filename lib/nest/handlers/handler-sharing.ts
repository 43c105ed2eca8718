import type { INestApplicationContext } from '@nestjs/common';
import { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { GatewayHandlers, type NestHandler } from './handler-table.js';

/** The part of Nest's `WebSocketsController` that binds the handlers of a gateway to a client: private in Nest 11 and 12. */
interface HandlerBinder {
  subscribeMessages(handlers: readonly NestHandler[], client: unknown, instance: object): void;
}

/** Binds handlers as Nest does it. */
type Bind = HandlerBinder['subscribeMessages'];

/**
 * Lets the clients of a gateway share its handlers. Nest makes a function for each handler and client, and lists of them:
 * 80 bytes and some 0.3 µs for each handler of each connection, also for those that no message ever calls.
 *
 * Nest itself binds the first client of each gateway. If that was done as in Nest 11 and 12, its further clients get the
 * handlers without the client, which is their first argument then. Otherwise, and with an adapter that overrides
 * `bindMessageHandlers`, Nest binds every client.
 */
export class HandlerSharing {
  /** What further clients of a gateway get, by Nest's list of its handlers; `undefined`: what Nest binds. */
  private readonly known = new WeakMap<readonly NestHandler[], GatewayHandlers | undefined>();
  /**
   * What Nest has bound to the first client of a gateway: its `subscribeMessages` passes it to `bindMessageHandlers` of the adapter,
   * which notes it here, before it returns to {@link learn}.
   */
  private bound: readonly NestHandler[] | undefined;
  private undo: (() => void) | undefined;

  /**
   * @param app the application; `undefined`: Nest binds every client
   * @param takesAll whether the adapter takes handlers as this package's does, so that it need not see each client's
   */
  constructor(
    private readonly app: INestApplicationContext | undefined,
    private readonly takesAll: () => boolean,
  ) {}

  /** Begins, unless it has: called when Nest binds a gateway, since its controller exists then. */
  begin(): void {
    if (this.undo !== undefined) return;
    this.undo = () => undefined;
    const controller = this.app && binderOf(this.app);
    if (controller === undefined) return;
    const bind = controller.subscribeMessages.bind(controller);
    controller.subscribeMessages = (handlers, client, instance) =>
      this.subscribe(bind, handlers, client, instance);
    this.undo = () => Reflect.deleteProperty(controller, 'subscribeMessages');
  }

  /** Notes what Nest has bound to a client: called in `bindMessageHandlers`. */
  noteBound(handlers: readonly NestHandler[]): void {
    this.bound = handlers;
  }

  /** Gives Nest's controller its own method back. */
  end(): void {
    this.undo?.();
  }

  private subscribe(bind: Bind, handlers: readonly NestHandler[], client: unknown, instance: object): void {
    if (!(client instanceof EnvelopeSocket) || !this.takesAll()) return bind(handlers, client, instance);
    if (!this.known.has(handlers)) return this.learn(bind, handlers, client, instance);
    const shared = this.known.get(handlers);
    if (shared === undefined) return bind(handlers, client, instance);
    client.nsp._config.gateway.router.bind(client, shared);
  }

  /** Lets Nest bind the first client of a gateway, and finds out whether further ones can share its handlers. */
  private learn(
    bind: Bind,
    handlers: readonly NestHandler[],
    client: EnvelopeSocket,
    instance: object,
  ): void {
    const before = client._handlers;
    this.bound = undefined;
    bind(handlers, client, instance);
    const isKnown = this.bound !== undefined && areBound(this.bound, handlers);
    const shared = isKnown ? shareable(handlers, instance) : undefined;
    this.known.set(handlers, shared);
    if (shared === undefined) return;
    // the first client shares them, too: takes back what Nest has bound to it
    client._handlers = before;
    client.nsp._config.gateway.router.bind(client, shared);
  }
}

/** Returns the controller of the application's gateways, if it is Nest's own, unchanged. */
function binderOf(app: INestApplicationContext): HandlerBinder | undefined {
  const module = Reflect.get(app, 'socketModule') as object | null | undefined;
  const controller = (module && Reflect.get(module, 'webSocketsController')) as HandlerBinder | undefined;
  const isOwn = controller && !Object.hasOwn(controller, 'subscribeMessages');
  return isOwn === true && controller?.subscribeMessages?.length === 3 ? controller : undefined;
}

/** Whether each handler that Nest has bound to a client is `callback.bind(instance, client)`, and nothing more. */
function areBound(bound: readonly NestHandler[], handlers: readonly NestHandler[]): boolean {
  if (bound.length !== handlers.length) return false;
  return bound.every((one, i) => {
    const { message, callback, isAckHandledManually } = handlers[i]!;
    return (
      Object.keys(one).length === BOUND_KEYS &&
      one.message === message &&
      one.isAckHandledManually === isAckHandledManually &&
      one.callback.name === `bound ${callback.name}`
    );
  });
}

/** `message`, `callback` and `isAckHandledManually`. */
const BOUND_KEYS = 3;

function shareable(handlers: readonly NestHandler[], instance: object): GatewayHandlers {
  return new GatewayHandlers(
    handlers.map(({ message, callback, isAckHandledManually }) => ({
      message,
      callback: callback.bind(instance),
      isAckHandledManually,
    })),
  );
}
