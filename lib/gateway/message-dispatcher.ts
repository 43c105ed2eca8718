import type { MessageMappingProperties } from '@nestjs/websockets';
import type { Conversation } from '../server/conversation.js';
import { requestContext, type IncomingRequest } from '../server/incoming-request.js';
import type { Dispatcher } from '../server/receiver.js';
import { Reply } from './reply.js';

type BoundHandler = Pick<MessageMappingProperties, 'message' | 'callback' | 'isAckHandledManually'>;

/** Where an event's handler is: in which gateway's list, at which place. */
interface Route {
  readonly gateway: number;
  readonly index: number;
}

/**
 * Third stop of a message: finds the handlers of an event and runs them in Nest's context. Nest binds one function
 * per client and handler; which event is where is the same for all clients, and kept once.
 */
export class MessageDispatcher implements Dispatcher {
  private readonly routes = new Map<unknown, Route[]>();
  private known = 0;

  /** Gateways come in the same order for every client. */
  bind(client: Conversation, handlers: BoundHandler[]): void {
    const gateway = (client._handlers ??= []).push(handlers) - 1;
    if (gateway < this.known) return;
    this.known++;
    handlers.forEach(({ message }, index) => {
      const routes = this.routes.get(message);
      if (routes === undefined) this.routes.set(message, [{ gateway, index }]);
      else routes.push({ gateway, index });
    });
  }

  dispatch(
    client: Conversation,
    event: string,
    data: unknown,
    request: IncomingRequest | undefined,
  ): boolean {
    const routes = this.routes.get(event);
    if (routes === undefined) return false;
    const reply = new Reply(client, event, request, routes.length);
    if (request === undefined) client._running++;
    for (const { gateway, index } of routes) {
      const handler = (client._handlers as BoundHandler[][])[gateway]?.[index];
      if (handler !== undefined) void run(handler, data, reply, request);
      else reply.over();
    }
    return true;
  }
}

async function run(
  { callback, isAckHandledManually }: BoundHandler,
  data: unknown,
  reply: Reply,
  request: IncomingRequest | undefined,
): Promise<void> {
  try {
    // @Ack() takes the first function among a handler's arguments
    const result: unknown = await (request !== undefined
      ? requestContext.run(request, callback, data, request.ack)
      : isAckHandledManually
        ? callback(data, reply.byHand)
        : callback(data));
    const values = reply.give(result, isAckHandledManually);
    if (values !== undefined) await values;
  } catch (error) {
    reply.crash(error);
  }
  reply.over();
}
