import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import type { RedisClientType } from 'redis';
import type { Server, ServerOptions } from 'socket.io';

export class ConditionalAdapter extends IoAdapter {
  private factory: ReturnType<typeof createAdapter> | undefined;

  use(publisher: RedisClientType, subscriber: RedisClientType): void {
    this.factory = createAdapter(publisher, subscriber);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const server = super.createIOServer(port, { ...options, cors: '*' } as never) as Server;
    if (this.factory) {
      server.adapter(this.factory);
    }
    return server;
  }
}
