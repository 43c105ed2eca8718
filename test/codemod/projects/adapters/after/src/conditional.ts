import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import type { RedisClientType } from 'redis';

export class ConditionalAdapter extends EnvelopeAdapter {
  private factory: ReturnType<typeof createAdapter> | undefined;

  constructor(app?: object) {
    super(app, {
      transports: [socketIO()],
      replies: 'requests',
      cors: { origin: '*' },
      adapter: (nsp) => this.factory?.(nsp),
    });
  }

  use(publisher: RedisClientType, subscriber: RedisClientType): void {
    this.factory = createAdapter(publisher, subscriber);
  }
}
