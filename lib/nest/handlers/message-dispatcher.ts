import type { MessageMappingProperties } from '@nestjs/websockets';
import type { BoundCallback, EnvelopeSocket } from '../../server/socket/envelope-socket.js';
import { requestContext, type IncomingRequest } from '../../server/socket/incoming-request.js';
import type { Dispatcher } from '../../server/socket/message-router.js';
import type { Replies } from '../options/options.js';
import { HandlerResult } from './handler-result.js';

type BoundHandler = Pick<MessageMappingProperties, 'message' | 'callback' | 'isAckHandledManually'>;

/** Which of a client's bound functions takes an event, and how: the same for all clients. */
interface Route {
  readonly index: number;
  readonly isAckHandledManually: boolean;
}

/**
 * Third stop of a message: finds the handlers of an event and runs them in Nest's context. Nest binds one function
 * per client and handler; all else about them is the same for all clients, and kept once: a connection to a gateway
 * with ten handlers is 650 bytes smaller for that.
 */
export class MessageDispatcher implements Dispatcher {
  private readonly routes = new Map<unknown, Route[]>();
  private known = 0;

  constructor(private readonly replies: Replies) {}

  /** Gateways come in the same order for every client. */
  bind(client: EnvelopeSocket, handlers: BoundHandler[]): void {
    const before = client._handlers ?? [];
    const callbacks = handlers.map(({ callback }) => callback);
    client._handlers = before.length === 0 ? callbacks : [...before, ...callbacks];
    if (client._handlers.length <= this.known) return;
    this.known = client._handlers.length;
    handlers.forEach(({ message, isAckHandledManually }, i) => {
      const route = { index: before.length + i, isAckHandledManually };
      const routes = this.routes.get(message);
      if (routes === undefined) this.routes.set(message, [route]);
      else routes.push(route);
    });
  }

  dispatch(
    client: EnvelopeSocket,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
  ): boolean {
    const routes = this.routes.get(event);
    if (routes === undefined) return false;
    const reply = new HandlerResult(client, event, request, routes.length, this.replies);
    if (request === undefined) client._requests.running++;
    for (const { index, isAckHandledManually } of routes) {
      const callback = client._handlers?.[index];
      if (callback !== undefined) void run(callback, isAckHandledManually, data, reply, request);
      else reply.handlerEnded();
    }
    return true;
  }
}

async function run(
  callback: BoundCallback,
  isAckHandledManually: boolean,
  data: unknown,
  reply: HandlerResult,
  request: IncomingRequest | undefined,
): Promise<void> {
  try {
    // @Ack() takes the first function among a handler's arguments
    const result: unknown = await (request !== undefined
      ? requestContext.run(request, callback, data, request.ack)
      : isAckHandledManually
        ? callback(data, reply.manualAck)
        : callback(data));
    const values = reply.handlerReturned(result, isAckHandledManually);
    if (values !== undefined) await values;
  } catch (error) {
    reply.fail(error);
  }
  reply.handlerEnded();
}
