import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { createClient, type RedisClientType } from 'redis';

/** Milliseconds that pending commands may take when the application closes: Redis may no longer answer. */
const GRACE = 1_000;

/** The two Redis connections that the adapter needs. The adapter does not close them, so this provider does. */
@Injectable()
export class RedisClients implements OnApplicationShutdown {
  private readonly logger = new Logger(RedisClients.name);
  private clients: RedisClientType[] = [];

  /** Returns one client that publishes and one that subscribes. Resolves when both are connected. */
  async connect(url: string): Promise<[RedisClientType, RedisClientType]> {
    const pub: RedisClientType = createClient({ url });
    const sub = pub.duplicate();
    this.clients = [pub, sub];
    // clients reconnect by themselves and report each failed attempt; the adapter already logs when the connection to
    // Redis is lost and restored
    for (const client of this.clients) client.on('error', () => undefined);
    pub.once('error', (error: NodeJS.ErrnoException) =>
      this.logger.error(
        `Redis does not answer at ${new URL(url).host} (${error.code ?? error.message}). Start it, or leave --redis out. Waiting for it`,
      ),
    );
    await Promise.all([pub.connect(), sub.connect()]);
    return [pub, sub];
  }

  /** Runs after the sockets and their adapter have closed. */
  async onApplicationShutdown(): Promise<void> {
    const closed = Promise.all(this.clients.map((client) => client.close()));
    await Promise.race([closed, pause(GRACE, undefined, { ref: false })]);
  }
}
