import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { EnvelopeServer } from 'nestjs-envelope';
import { LOBBY } from './chat.js';

/** Sends announcements to the lobby at an interval. Any provider can inject the server and emit. */
@Injectable()
export class AnnouncerService implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: EnvelopeServer,
    private readonly config: ConfigService,
  ) {}

  onApplicationBootstrap(): void {
    const milliseconds = Number(this.config.get('ANNOUNCE_INTERVAL', 60_000));
    if (milliseconds > 0) this.timer = setInterval(() => this.announce(), milliseconds);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  announce(): void {
    const count = this.server.engine.clientsCount;
    const text =
      count === 1 ? 'You are the only one here. Open a second window!' : `${count} people are online.`;
    this.server.to(LOBBY).emit('announcement', { text, at: new Date().toISOString() });
  }
}
