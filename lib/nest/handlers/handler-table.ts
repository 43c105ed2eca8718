import type { MessageMappingProperties } from '@nestjs/websockets';
import type { Untyped } from '../../protocol/typed-events.js';
import type { EnvelopeSocket } from '../../server/socket/envelope-socket.js';

/** Calls a handler for a client: with the data, and with the acknowledgement function where there is one. */
export type Handler = (client: EnvelopeSocket, ...args: Untyped[]) => unknown;

/** A handler of an event, for all clients of a table. */
export interface Route {
  readonly handler: Handler;
  readonly isAckHandledManually: boolean;
}

/** A handler as Nest describes it. Its callback takes the client first, unless Nest has bound it to one. */
export type NestHandler = Pick<MessageMappingProperties, 'message' | 'callback' | 'isAckHandledManually'>;

/** The handlers of one gateway, whose callbacks take the client first: one object for all clients of the gateway. */
export class GatewayHandlers {
  constructor(readonly list: readonly NestHandler[]) {}
}

/** A handler that Nest has bound to its gateway and one client. */
type BoundCallback = (...args: Untyped[]) => unknown;

/** The handlers of one client. */
export interface ClientHandlers {
  readonly table: HandlerTable;
  /** The functions that Nest has bound to this client alone: none where its gateways share their handlers. */
  readonly callbacks: readonly BoundCallback[];
}

const NO_CALLBACKS: readonly BoundCallback[] = [];

/**
 * The handlers of the gateways that a client is connected to, by event. Clients of the same gateways share a table. It is
 * also what a client keeps that has no handlers of its own: an object for each client would take 40 bytes.
 */
export class HandlerTable implements ClientHandlers {
  readonly table: HandlerTable = this;
  readonly callbacks = NO_CALLBACKS;
  /** The tables of clients that are connected to one gateway more. */
  private readonly next = new WeakMap<GatewayHandlers, HandlerTable>();

  /** @param prepare returns the handler that takes the place of a gateway's */
  constructor(
    private readonly prepare: (handler: NestHandler) => NestHandler,
    readonly routes: ReadonlyMap<unknown, readonly Route[]> = new Map(),
  ) {}

  /** Returns the table with the handlers of one gateway more: always the same one for the same gateway. */
  with(gateway: GatewayHandlers): HandlerTable {
    const known = this.next.get(gateway);
    if (known !== undefined) return known;
    const routes = new Map(this.routes);
    for (const given of gateway.list) {
      const { message, callback, isAckHandledManually } = this.prepare(given);
      const before = routes.get(message) ?? [];
      routes.set(message, [...before, { handler: callback, isAckHandledManually }]);
    }
    const table = new HandlerTable(this.prepare, routes);
    this.next.set(gateway, table);
    return table;
  }
}
