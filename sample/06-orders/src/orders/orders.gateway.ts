import { StandardSchemaValidationPipe, UseGuards, UsePipes } from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayInit,
} from '@nestjs/websockets';
import type { EnvelopeSocket } from 'nestjs-envelope';
import { Emits, Replies } from 'nestjs-envelope/contract';
import { PersonGuard } from '../people/person.guard.js';
import { PresenceService } from '../people/presence.service.js';
import { Member, Room, TABLE } from '../people/presence.js';
import { Edit, EditResult, OrderDetails, OrderRef, Orders } from './order.js';
import { events, type OrdersServer } from './orders-events.js';
import { OrdersService } from './orders.service.js';

@Emits(events)
@WebSocketGateway({ path: '/orders' })
@UseGuards(PersonGuard)
@UsePipes(new StandardSchemaValidationPipe())
export class OrdersGateway implements OnGatewayInit, OnGatewayConnection {
  constructor(
    private readonly orders: OrdersService,
    private readonly presence: PresenceService,
  ) {}

  afterInit(server: OrdersServer): void {
    this.presence.start(server);
  }

  handleConnection(client: EnvelopeSocket): void {
    this.presence.track(client, null);
  }

  /** Joins first and reads then, so that no change falls between the two. */
  @Replies(Orders)
  @SubscribeMessage('orders.watch')
  async watch(@ConnectedSocket() client: EnvelopeSocket): Promise<Orders> {
    await client.join(TABLE);
    return this.orders.all();
  }

  @Replies([Member])
  @SubscribeMessage('people.watch')
  async people(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody({ schema: Room }) { room }: Room,
  ): Promise<Member[]> {
    await client.join(room);
    return this.presence.list();
  }

  @Replies(OrderDetails)
  @SubscribeMessage('order.open')
  open(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody({ schema: OrderRef }) { id }: OrderRef,
  ): OrderDetails {
    const details = this.orders.details(id);
    this.presence.track(client, id);
    client.data.order = id;
    return details;
  }

  @Replies(null)
  @SubscribeMessage('order.close')
  close(
    @ConnectedSocket() client: EnvelopeSocket,
    @MessageBody({ schema: OrderRef }) { id }: OrderRef,
  ): void {
    // who goes from one order to the next opens that one first
    if (client.data.order === id) this.presence.track(client, (client.data.order = null));
  }

  @Replies(EditResult)
  @SubscribeMessage('order.edit')
  edit(@ConnectedSocket() client: EnvelopeSocket, @MessageBody({ schema: Edit }) edit: Edit): EditResult {
    return this.orders.edit(edit, client.user as string);
  }
}
