import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { WAREHOUSE } from '../people/people.js';
import { PresenceService } from '../people/presence.service.js';
import { nextOrder } from './first-orders.js';
import type { Status } from './order.js';
import { OrdersService } from './orders.service.js';

const NEXT: Partial<Record<Status, Status>> = { new: 'packing', packing: 'shipped', shipped: 'delivered' };
/** The web shop sells when there are fewer orders that are not delivered yet. */
const MAX_OPEN = 13;
/** Delivered orders that stay in the table. */
const MAX_DELIVERED = 4;

/** Plays the web shop, where orders come from, and the warehouse, which sends them off. */
@Injectable()
export class DemoTraffic implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly orders: OrdersService,
    private readonly presence: PresenceService,
    private readonly config: ConfigService,
  ) {}

  onApplicationBootstrap(): void {
    const milliseconds = Number(this.config.get('DEMO_INTERVAL', 5_000));
    if (milliseconds > 0) this.timer = setInterval(() => void this.step(), milliseconds);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** One change: of an order that nobody has open. */
  async step(): Promise<void> {
    const taken = await this.presence.openOrders();
    const free = this.orders.all().orders.filter(({ id }) => !taken.has(id));
    const delivered = free.filter(({ status }) => status === 'delivered');
    const open = free.filter(({ status }) => status !== 'delivered');
    if (delivered.length > MAX_DELIVERED) return this.orders.archive(delivered[0]!.id);
    if (open.length < MAX_OPEN) return this.orders.add(nextOrder(new Date()));
    const { id, status } = open[Math.floor(Math.random() * open.length)]!;
    this.orders.change(id, { status: NEXT[status]! }, WAREHOUSE);
  }
}
