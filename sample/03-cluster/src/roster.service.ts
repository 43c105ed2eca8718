import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { InjectEnvelopeServer } from 'nestjs-envelope';
import { ROOM, type Crew, type Member, type RoomServer, type Roster } from './room.js';

/** Milliseconds. */
const INTERVAL = 1_000;

/**
 * Who is on which worker. Each worker asks the others once a second, and tells its own clients what has changed: that
 * costs the same however many come and go, and it notices a worker that died without a word.
 */
@Injectable()
export class RosterService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(RosterService.name);
  private isOver = false;
  current: Roster = { state: 'connected', nodes: 1, crews: [] };

  constructor(@InjectEnvelopeServer('/ws') private readonly server: RoomServer) {}

  onApplicationBootstrap(): void {
    void this.watch();
  }

  onModuleDestroy(): void {
    this.isOver = true;
  }

  private async watch(): Promise<void> {
    while (!this.isOver) {
      await this.look().catch((error: unknown) =>
        this.logger.warn(`Not all workers answer: ${String(error)}`),
      );
      await pause(INTERVAL, undefined, { ref: false });
    }
  }

  private async look(): Promise<void> {
    const { state, nodes } = this.server.cluster;
    const members = this.server.in(ROOM);
    // without Redis nobody else would answer
    const sockets = await (state === 'away' ? members.local : members).fetchSockets();
    const roster = { state, nodes, crews: crewsOf(sockets.map(({ data }) => data)) };
    if (this.isOver || JSON.stringify(roster) === JSON.stringify(this.current)) return;
    this.current = roster;
    members.local.emit('roster', roster);
  }
}

function crewsOf(members: Member[]): Crew[] {
  const crews = new Map<string, string[]>();
  for (const { name, worker } of members) crews.set(worker, [...(crews.get(worker) ?? []), name]);
  return [...crews]
    .map(([worker, names]) => ({ worker, names: names.sort() }))
    .sort((one, other) => one.worker.localeCompare(other.worker));
}
