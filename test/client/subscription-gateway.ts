import { UseGuards } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp, type AppOptions, type TestApp } from '../support/app.js';
import { client } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';
import type { ClientOptions, ClientSocket } from '../../lib/client/node.js';

export interface FromOrders {
  changed: (order: Order) => void;
}

export interface Order {
  id: number;
  version: number;
}

export interface ToOrders {
  watch: (which: { id: number }, answer: (order: Order) => void) => void;
  unwatch: (which: { id: number }) => void;
  note: (text: string) => void;
  log: (answer: (lines: string[]) => void) => void;
}

/** Records what arrives, in order. */
@WebSocketGateway({ path: '/orders' })
export class OrdersGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly clients: EnvelopeSocket[] = [];
  readonly log: string[] = [];
  /** The orders that clients may not watch. */
  readonly refused = new Set<number>();
  /** `watch` waits for it before it answers. */
  gate: Promise<void> = Promise.resolve();
  version = 1;

  handleConnection(client: EnvelopeSocket): void {
    this.clients.push(client);
  }

  get last(): EnvelopeSocket {
    return this.clients.at(-1)!;
  }

  @SubscribeMessage('watch')
  async watch(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { id }: { id: number },
  ): Promise<Order> {
    this.log.push(`watch ${id}`);
    await this.gate;
    if (this.refused.has(id)) throw new WsException('not yours');
    await client.join(`order:${id % 100}`);
    return { id, version: this.version };
  }
  @SubscribeMessage('unwatch')
  async unwatch(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody() { id }: { id: number },
  ): Promise<void> {
    this.log.push(`unwatch ${id}`);
    await client.leave(`order:${id % 100}`);
  }
  @SubscribeMessage('note')
  note(@MessageBody() text: string): void {
    this.log.push(text);
  }
  @SubscribeMessage('log')
  lines(): string[] {
    return this.log;
  }
}

@UseGuards(TokenGuard)
@WebSocketGateway({ path: '/guarded-orders' })
export class GuardedOrdersGateway extends OrdersGateway {}

export interface Started {
  app: TestApp;
  gateway: OrdersGateway;
  open(options?: ClientOptions): ClientSocket<FromOrders, ToOrders>;
}

/** Starts a server of orders. */
export async function startOrders(
  options: AppOptions = {},
  Gateway: typeof OrdersGateway = OrdersGateway,
): Promise<Started> {
  const app = await startApp({ providers: [Gateway] }, options);
  const path = Gateway === OrdersGateway ? '/orders' : '/guarded-orders';
  const open = (given?: ClientOptions): ClientSocket<FromOrders, ToOrders> => client(app.url(path), given);
  return { app, gateway: app.nest.get(Gateway), open };
}
