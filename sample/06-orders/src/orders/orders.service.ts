import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectEnvelopeServer } from 'nestjs-envelope';
import type { Change, Changes, Edit, EditResult, Order, OrderDetails, Orders } from './order.js';
import type { OrdersServer } from './orders-events.js';
import { TABLE } from '../people/presence.js';
import { OrdersFile } from './orders-file.service.js';
import { OrdersRepository } from './orders.repository.js';

/** Changes orders, and emits each change to everybody who looks at the table. */
@Injectable()
export class OrdersService {
  constructor(
    private readonly repository: OrdersRepository,
    private readonly file: OrdersFile,
    @InjectEnvelopeServer('/orders') private readonly server: OrdersServer,
  ) {}

  all(): Orders {
    return { orders: this.repository.all(), version: this.repository.version };
  }

  /** @throws NotFoundException if the order is not in the table */
  details(id: number): OrderDetails {
    const found = this.repository.find(id);
    if (found === undefined) throw new NotFoundException(`Order ${id} is no longer in the table`);
    return { order: found.order, history: found.history };
  }

  /**
   * Saves an edit unless somebody else changed one of its fields after `version`. Changes of other fields are no conflict: both
   * edits remain. So an edit whose answer was lost can be sent again, whether it was saved or not.
   *
   * @throws NotFoundException if the order is not in the table
   */
  edit({ id, version, changes }: Edit, by: string): EditResult {
    const { order } = this.details(id);
    const fields = this.repository.changedSince(id, version, changes);
    if (fields.length > 0) return { outcome: 'conflict', order, fields };
    return { outcome: 'saved', order: this.change(id, changes, by) };
  }

  add(order: Parameters<OrdersRepository['add']>[0]): void {
    this.emit(this.repository.add(order), []);
  }

  change(id: number, changes: Changes, by: string): Order {
    const made = this.repository.update(id, changes, by);
    const { order } = this.details(id);
    if (made.length > 0) this.emit(order, made);
    return order;
  }

  archive(id: number): void {
    const order = this.repository.archive(id);
    if (order !== undefined) this.emit(order, []);
  }

  private emit(order: Order, changes: Change[]): void {
    this.server.to(TABLE).emit('order.changed', { order, changes });
    this.file.save();
  }
}
