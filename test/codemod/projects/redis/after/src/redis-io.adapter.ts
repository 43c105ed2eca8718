import { INestApplicationContext, Logger } from '@nestjs/common';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';

/** Keeps the nodes together. */
export class RedisIoAdapter extends EnvelopeAdapter {
  protected override readonly logger = new Logger(RedisIoAdapter.name);
  private adapterConstructor?: ReturnType<typeof createAdapter>;

  constructor(
    app: INestApplicationContext,
    private readonly origins: string[],
  ) {
    const cors = { origin: origins, credentials: true };
    super(app, {
      transports: [socketIO({ path: '/live' })],
      replies: 'requests',
      cors,
      pingInterval: 10_000,
      allowRequest: (request, decide) => decide(null, this.isWelcome(request.url)),
      adapter: (nsp) => this.adapterConstructor!(nsp),
    });
  }

  async connectToRedis(url: string): Promise<void> {
    const pubClient = createClient({ url });
    const subClient = pubClient.duplicate();

    await Promise.all([pubClient.connect(), subClient.connect()]);

    this.adapterConstructor = createAdapter(pubClient, subClient);
    this.logger.log('connected'); // once
  }

  private isWelcome(url?: string): boolean {
    return url !== '/never';
  }
}
