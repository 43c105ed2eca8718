import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { createClient, type RedisClientType } from 'redis';

/** Milliseconds for what is under way when the application closes: Redis may not answer any more. */
const GRACE = 1_000;

/** The two connections that the adapter needs. Who makes them closes them. */
@Injectable()
export class RedisClients implements OnApplicationShutdown {
  private readonly logger = new Logger(RedisClients.name);
  private clients: RedisClientType[] = [];

  /** A client that publishes, and one that subscribes. Resolves when Redis is there. */
  async connect(url: string): Promise<[RedisClientType, RedisClientType]> {
    const pub: RedisClientType = createClient({ url });
    const sub = pub.duplicate();
    this.clients = [pub, sub];
    // clients try again by themselves, and tell of each attempt; the adapter's log says when Redis goes and comes back
    for (const client of this.clients) client.on('error', () => undefined);
    pub.once('error', (error: NodeJS.ErrnoException) =>
      this.logger.error(`Redis: ${error.code ?? error.message}`),
    );
    await Promise.all([pub.connect(), sub.connect()]);
    return [pub, sub];
  }

  /** Runs after the sockets and their adapter were closed. */
  async onApplicationShutdown(): Promise<void> {
    const closed = Promise.all(this.clients.map((client) => client.close()));
    await Promise.race([closed, pause(GRACE, undefined, { ref: false })]);
  }
}
