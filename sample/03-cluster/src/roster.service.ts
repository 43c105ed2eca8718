import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectEnvelopeServer } from 'nestjs-envelope';
import { ROOM, type WorkerMembers, type Member, type RoomServer, type Roster } from './room.js';

/** Milliseconds. */
const INTERVAL = 1_000;

/**
 * Keeps the members of each worker. Each worker asks the others once a second, and emits a change to its own clients.
 * The cost does not depend on how many clients connect and disconnect, and a killed worker disappears from the list.
 */
@Injectable()
export class RosterService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RosterService.name);
  private isStopped = false;
  current: Roster = { state: 'connected', nodes: 1, workers: [] };

  constructor(@InjectEnvelopeServer('/ws') private readonly server: RoomServer) {}

  onApplicationBootstrap(): void {
    void this.watch();
  }

  onModuleDestroy(): void {
    this.isStopped = true;
  }

  private async watch(): Promise<void> {
    while (!this.isStopped) {
      await this.update().catch((error: unknown) =>
        this.logger.warn(`Not all workers answered: ${String(error)}`),
      );
      await pause(INTERVAL, undefined, { ref: false });
    }
  }

  private async update(): Promise<void> {
    const { state, nodes } = this.server.cluster;
    const members = this.server.in(ROOM);
    // without Redis, no other worker can answer
    const sockets = await (state === 'away' ? members.local : members).fetchSockets();
    const roster = { state, nodes, workers: groupByWorker(sockets.map(({ data }) => data)) };
    if (this.isStopped || JSON.stringify(roster) === JSON.stringify(this.current)) return;
    this.current = roster;
    members.local.emit('roster', roster);
  }
}

function groupByWorker(members: Member[]): WorkerMembers[] {
  const workers = new Map<string, string[]>();
  for (const { name, worker } of members) workers.set(worker, [...(workers.get(worker) ?? []), name]);
  return [...workers]
    .map(([worker, names]) => ({ worker, names: names.sort() }))
    .sort((one, other) => one.worker.localeCompare(other.worker));
}
