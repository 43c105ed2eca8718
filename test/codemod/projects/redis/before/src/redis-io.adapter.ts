import { INestApplicationContext, Logger } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server, ServerOptions } from 'socket.io';

/** Keeps the nodes together. */
export class RedisIoAdapter extends IoAdapter {
  private readonly logger = new Logger(RedisIoAdapter.name);
  private adapterConstructor?: ReturnType<typeof createAdapter>;

  constructor(
    app: INestApplicationContext,
    private readonly origins: string[],
  ) {
    super(app);
  }

  async connectToRedis(url: string): Promise<void> {
    const pubClient = createClient({ url });
    const subClient = pubClient.duplicate();

    await Promise.all([pubClient.connect(), subClient.connect()]);

    this.adapterConstructor = createAdapter(pubClient, subClient);
    this.logger.log('connected'); // once
  }

  // what Nest calls
  createIOServer(port: number, options?: ServerOptions): Server {
    const cors = { origin: this.origins, credentials: true };
    const server: Server = super.createIOServer(port, {
      ...options,
      cors,
      path: '/live',
      pingInterval: 10_000,
      allowRequest: (request, decide) => decide(null, this.isWelcome(request.url)),
    });
    server.adapter(this.adapterConstructor!);
    return server;
  }

  private isWelcome(url?: string): boolean {
    return url !== '/never';
  }
}
