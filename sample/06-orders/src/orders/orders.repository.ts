import { Injectable } from '@nestjs/common';
import type { Change, Changes, Field, Order } from './order.js';
import { SHOP } from '../people/people.js';
import { firstOrders } from './first-orders.js';

/** The number of changes of each order that are kept. */
const MAX_HISTORY = 20;

interface Row {
  order: Order;
  /** The newest first. */
  history: Change[];
  /** The version in which each field changed last. */
  changedIn: Partial<Record<Field, number>>;
}

/** All rows, as they are saved to the file. */
export interface Snapshot {
  lastId: number;
  rows: Row[];
}

/** Keeps the orders in memory. An application has its database here: the same methods, with promises. */
@Injectable()
export class OrdersRepository {
  private readonly rows = new Map<number, Row>();
  private lastId = 1040;
  private lastVersion = 0;

  constructor() {
    for (const order of firstOrders(new Date())) this.add(order);
  }

  /** The version of the latest change. */
  get version(): number {
    return this.lastVersion;
  }

  all(): Order[] {
    return [...this.rows.values()].map(({ order }) => order);
  }

  find(id: number): { order: Order; history: Change[] } | undefined {
    return this.rows.get(id);
  }

  add(order: Omit<Order, 'id' | 'version' | 'by' | 'isArchived'>): Order {
    const added = { id: ++this.lastId, ...order, version: this.nextVersion(), by: SHOP, isArchived: false };
    const { version } = added;
    const changedIn = { status: version, quantity: version, due: version, note: version };
    this.rows.set(added.id, { order: added, history: [], changedIn });
    return added;
  }

  /** The fields that changed after `version`, of those that are to change to another value than they have. */
  changedSince(id: number, version: number, changes: Changes): Field[] {
    const row = this.rows.get(id);
    if (row === undefined) return [];
    return (Object.keys(changes) as Field[]).filter(
      (field) => changes[field] !== row.order[field] && (row.changedIn[field] ?? 0) > version,
    );
  }

  /** @returns what has changed: nothing if the order has these values already */
  update(id: number, changes: Changes, by: string): Change[] {
    const row = this.rows.get(id);
    if (row === undefined) return [];
    const fields = (Object.keys(changes) as Field[]).filter((field) => changes[field] !== row.order[field]);
    if (fields.length === 0) return [];
    const version = this.nextVersion();
    const made = fields.map((field) => ({ field, from: row.order[field], to: changes[field]!, by, version }));
    for (const field of fields) row.changedIn[field] = version;
    row.order = { ...row.order, ...changes, version, by };
    row.history = [...made, ...row.history].slice(0, MAX_HISTORY);
    return made;
  }

  /** Removes an order from the table. */
  archive(id: number): Order | undefined {
    const row = this.rows.get(id);
    this.rows.delete(id);
    return row && { ...row.order, isArchived: true, version: this.nextVersion() };
  }

  snapshot(): Snapshot {
    return { lastId: this.lastId, rows: [...this.rows.values()] };
  }

  restore({ lastId, rows }: Snapshot): void {
    this.rows.clear();
    for (const row of rows) this.rows.set(row.order.id, row);
    this.lastId = lastId;
  }

  private nextVersion(): number {
    this.lastVersion = Math.max(Date.now(), this.lastVersion + 1);
    return this.lastVersion;
  }
}
