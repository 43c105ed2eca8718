import type { MessageMappingProperties } from '@nestjs/websockets';
import type { BoundCallback, EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import type { AcknowledgedMessage } from '../../server/socket/acknowledged-message.js';
import type { IncomingRequest } from '../../server/socket/incoming-request.js';
import { KeyedRequest } from '../../server/socket/keyed-request.js';
import type { Dispatcher } from '../../server/socket/message-router.js';
import type { Turn } from '../../server/socket/turn.js';
import type { Replies } from '../options/options.js';
import { HandlerResult, type MessageResult } from './handler-result.js';
import type { PathChecks } from '../schemas/payload-validation.js';
import type { OnceRunner } from './once-handlers.js';
import { runInOrder } from './run-in-order.js';
import { SocketIoResult } from './socket-io-result.js';

type BoundHandler = Pick<MessageMappingProperties, 'message' | 'callback' | 'isAckHandledManually'>;

/** A handler of an event. All clients share it. */
interface Route {
  /** The index of the bound function in `client._handlers`. */
  readonly index: number;
  readonly isAckHandledManually: boolean;
}

/**
 * Finds the handlers of an event and calls them with Nest's guards, pipes, interceptors and filters. Nest binds one
 * function per client and handler. Everything else about a handler is the same for all clients, and stored once: that
 * saves 650 bytes per connection to a gateway with ten handlers.
 */
export class MessageDispatcher implements Dispatcher {
  private readonly routes = new Map<unknown, Route[]>();
  /** The number of handlers in {@link routes}. */
  private routed = 0;

  /**
   * @param checks checks the results of handlers; `undefined`: nothing does
   * @param once does requests with a key once; `undefined`: no handler has `@Once()`
   */
  constructor(
    private readonly replies: Replies,
    private readonly checks?: Pick<PathChecks, 'reply'>,
    private readonly once?: OnceRunner,
  ) {}

  /**
   * Adds the handlers of one gateway, bound to one client. Nest calls this in the same order of gateways for every
   * client.
   */
  bind(client: EnvelopeSocket, given: BoundHandler[]): void {
    const { checks } = this;
    const handlers = checks === undefined ? given : given.map((handler) => checks.reply(handler));
    const before = client._handlers ?? [];
    const callbacks = handlers.map(({ callback }) => callback);
    client._handlers = before.length === 0 ? callbacks : [...before, ...callbacks];
    if (client._handlers.length <= this.routed) return;
    this.routed = client._handlers.length;
    handlers.forEach(({ message, isAckHandledManually }, i) => {
      const route = { index: before.length + i, isAckHandledManually };
      const routes = this.routes.get(message);
      if (routes === undefined) this.routes.set(message, [route]);
      else routes.push(route);
    });
  }

  /** Calls the handlers of an event. @returns whether it has any */
  dispatch(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
    turn: Turn | undefined,
  ): boolean {
    const routes = this.routes.get(event);
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
    for (const { index, isAckHandledManually } of routes) {
      const callback = client._handlers?.[index];
      if (callback === undefined) {
        reply.handlerEnded();
        turn?.settle();
      } else if (turn === undefined) void run(callback, isAckHandledManually, data, reply);
      else void runInOrder(callback, isAckHandledManually, data, reply, turn);
    }
  }
}

async function run(
  callback: BoundCallback,
  isAckHandledManually: boolean,
  data: unknown,
  reply: MessageResult,
): Promise<void> {
  try {
    const result: unknown = await reply.call(callback, data, isAckHandledManually);
    const values = reply.handlerReturned(result, isAckHandledManually);
    if (values !== undefined) await values;
  } catch (error) {
    reply.fail(error);
  }
  reply.handlerEnded();
}
