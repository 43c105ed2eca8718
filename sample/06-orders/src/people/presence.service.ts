import { Injectable } from '@nestjs/common';
import type { EnvelopeSocket } from 'nestjs-envelope';
import type { OrdersServer } from '../orders/orders-events.js';
import { Focus, TABLE, type Activity, type Member } from './presence.js';

/** Shows everybody who looks at the table who else does, who has which order open, and who edits what. */
@Injectable()
export class PresenceService {
  private server!: OrdersServer;

  start(server: OrdersServer): void {
    this.server = server;
    server.presence.share(TABLE);
    // only the latest one matters: the page reads and sets it with useOthers
    server.presence.shareStates(TABLE, { accept: (state) => Focus.safeParse(state).success });
  }

  /** Shows on which order a client is. */
  track(client: EnvelopeSocket, order: number | null): void {
    this.server.presence.track(client, undefined, { order } satisfies Activity);
  }

  /** Everybody who looks at the table, with one activity for each tab. */
  async list(): Promise<Member[]> {
    return (await this.server.presence.list(TABLE)) as Member[];
  }

  /** The orders that somebody has open. */
  async openOrders(): Promise<Set<number | null>> {
    return new Set((await this.list()).flatMap(({ metas }) => metas.map(({ order }) => order)));
  }
}
