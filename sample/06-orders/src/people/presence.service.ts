import { Injectable, Logger } from '@nestjs/common';
import type { EnvelopeSocket } from 'nestjs-envelope';
import type { OrdersServer } from '../orders/orders-events.js';
import { TABLE, type Activity, type Member } from './presence.js';

/** Knows who looks at the table and who has which order open, and tells all of them. */
@Injectable()
export class PresenceService {
  private readonly logger = new Logger(PresenceService.name);
  private server!: OrdersServer;

  start(server: OrdersServer): void {
    this.server = server;
    const emit = ({ room, key }: { room: string; key: string }): void => void this.emit(room, key);
    // once for each person, regardless of tabs
    server.presence.on('join', emit).on('update', emit).on('leave', emit);
  }

  /** Shows in which order a client is. */
  track(client: EnvelopeSocket, order: number | null): void {
    this.server.presence.track(client, undefined, { order } satisfies Activity);
  }

  async list(): Promise<Member[]> {
    return (await this.server.presence.list(TABLE)) as Member[];
  }

  /** @returns the orders that somebody has open */
  async openOrders(): Promise<Set<number | null>> {
    return new Set((await this.list()).flatMap(({ metas }) => metas.map(({ order }) => order)));
  }

  /** A tab is gone. Its person may have others, so nobody has left. */
  left(client: EnvelopeSocket): Promise<void> {
    return this.emit(TABLE, client.user as string);
  }

  private async emit(room: string, key: string): Promise<void> {
    try {
      if (room === TABLE) await this.tell(key);
    } catch (error) {
      // in a cluster: another node does not answer
      this.logger.warn(error);
    }
  }

  private async tell(key: string): Promise<void> {
    const member = (await this.list()).find((one) => one.key === key);
    // `local`: each node tells its own clients
    this.server.to(TABLE).local.emit('people.changed', {
      room: TABLE,
      join: member === undefined ? [] : [member],
      leave: member === undefined ? [key] : [],
    });
  }
}
