import { Injectable } from '@nestjs/common';
import { InjectEnvelopeServer } from 'nestjs-envelope';
import type { MessagesServer } from '../messages/messages.js';
import type { AdminServer, Online } from './admin.js';

/** Lists the users that are connected to `/ws`, and emits the list to `/admin`. */
@Injectable()
export class PresenceService {
  constructor(
    @InjectEnvelopeServer('/ws') private readonly messages: MessagesServer,
    @InjectEnvelopeServer('/admin') private readonly admins: AdminServer,
  ) {}

  async online(): Promise<Online[]> {
    const users = new Map<string, Online>();
    for (const { data, handshake } of await this.messages.fetchSockets()) {
      const { tabs, since } = users.get(data.user) ?? { tabs: 0, since: Infinity };
      users.set(data.user, {
        user: data.user,
        tabs: tabs + 1,
        since: Math.min(since, handshake.issued),
      });
    }
    return [...users.values()].sort((one, other) => one.user.localeCompare(other.user));
  }

  async emit(): Promise<void> {
    this.admins.emit('online', await this.online());
  }
}
