import type { Untyped } from '../../protocol/typed-events.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { AcknowledgedMessage } from '../../server/socket/acknowledged-message.js';
import type { IncomingRequest } from '../../server/socket/incoming-request.js';
import { KeyedRequest } from '../../server/socket/keyed-request.js';
import type { Dispatcher } from '../../server/socket/message-router.js';
import type { Turn } from '../../server/socket/turn.js';
import type { Replies } from '../options/options.js';
import {
  GatewayHandlers,
  HandlerTable,
  type ClientHandlers,
  type Handler,
  type NestHandler,
  type Route,
} from './handler-table.js';
import { HandlerResult } from './handler-result.js';
import type { MessageResult } from './message-result.js';
import type { PathChecks } from '../schemas/payload-validation.js';
import type { OnceRunner } from './once-handlers.js';
import { runInOrder } from './run-in-order.js';
import { SocketIoResult } from './socket-io-result.js';

/** The different lists of handlers, bound to one client each, that are kept for further clients. */
const MAX_KEPT = 1_000;

/**
 * Finds the handlers of an event and calls them with Nest's guards, pipes, interceptors and filters. Clients share the
 * handlers of their gateways, see `HandlerSharing`; where Nest binds them to each client, they share everything else.
 */
export class MessageDispatcher implements Dispatcher {
  /** The table of a client without gateways. */
  private readonly empty: HandlerTable;
  /** The handlers that Nest binds to each client: those of a gateway, from a number of the client's functions on. */
  private readonly bound: { readonly first: number; readonly gateway: GatewayHandlers }[] = [];

  /**
   * @param checks checks the results of handlers; `undefined`: nothing does
   * @param once does requests with a key once; `undefined`: no handler has `@Once()`
   */
  constructor(
    private readonly replies: Replies,
    checks?: Pick<PathChecks, 'reply'>,
    private readonly once?: OnceRunner,
  ) {
    this.empty = new HandlerTable((handler) => checks?.reply(handler) ?? handler);
  }

  /**
   * Adds the handlers of one gateway to those of a client.
   *
   * @param handlers shared ones, or a list that Nest has bound to this client
   */
  bind(client: EnvelopeSocket, handlers: GatewayHandlers | readonly NestHandler[]): void {
    const { table, callbacks } = (client._handlers as ClientHandlers | undefined) ?? this.empty;
    if (handlers instanceof GatewayHandlers) {
      const all = table.with(handlers);
      client._handlers = callbacks.length === 0 ? all : { table: all, callbacks };
      return;
    }
    client._handlers = {
      table: table.with(this.boundGateway(callbacks.length, handlers)),
      callbacks: [...callbacks, ...handlers.map(({ callback }) => callback)],
    } satisfies ClientHandlers;
  }

  /** Returns the handlers of a gateway that find the function that Nest has bound to their client. */
  private boundGateway(first: number, handlers: readonly NestHandler[]): GatewayHandlers {
    for (const known of this.bound)
      if (known.first === first && areAlike(known.gateway.list, handlers)) return known.gateway;
    const gateway = new GatewayHandlers(
      handlers.map(({ message, isAckHandledManually }, index) => ({
        message,
        isAckHandledManually,
        callback: (client: EnvelopeSocket, ...args: Untyped[]) =>
          (client._handlers as ClientHandlers).callbacks[first + index]!(...args) as never,
      })),
    );
    if (this.bound.length < MAX_KEPT) this.bound.push({ first, gateway });
    return gateway;
  }

  /** Calls the handlers of an event. @returns whether it has any */
  dispatch(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
    turn: Turn | undefined,
  ): boolean {
    const routes = (client._handlers as ClientHandlers | undefined)?.table.routes.get(event);
    if (routes === undefined) return false;
    if (this.once !== undefined && request instanceof KeyedRequest) {
      const handle = (own: IncomingRequest): void => this.callAll(routes, client, event, data, own, turn);
      if (this.once.run({ client, event, data, request, turn, handle })) return true;
    }
    this.callAll(routes, client, event, data, request, turn);
    return true;
  }

  private callAll(
    routes: readonly Route[],
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
    turn: Turn | undefined,
  ): void {
    const reply =
      client._connection.encoding.protocol === 'socket.io'
        ? new SocketIoResult(client, event, request as AcknowledgedMessage | undefined, routes.length)
        : new HandlerResult(client, event, request, routes.length, this.replies);
    if (request === undefined) client._requests.running++;
    turn?.begin(routes.length);
    for (const { handler, isAckHandledManually } of routes)
      if (turn === undefined) void run(handler, isAckHandledManually, data, reply);
      else void runInOrder(handler, isAckHandledManually, data, reply, turn);
  }
}

/** Whether two lists have handlers of the same events. */
function areAlike(some: readonly NestHandler[], others: readonly NestHandler[]): boolean {
  if (some.length !== others.length) return false;
  return some.every(
    ({ message, isAckHandledManually }, i) =>
      message === others[i]!.message && isAckHandledManually === others[i]!.isAckHandledManually,
  );
}

async function run(
  handler: Handler,
  isAckHandledManually: boolean,
  data: unknown,
  reply: MessageResult,
): Promise<void> {
  try {
    const result: unknown = await reply.call(handler, data, isAckHandledManually);
    const values = reply.handlerReturned(result, isAckHandledManually);
    if (values !== undefined) await values;
  } catch (error) {
    reply.fail(error);
  }
  reply.handlerEnded();
}
