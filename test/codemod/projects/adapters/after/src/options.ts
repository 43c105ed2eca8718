import type { INestApplication } from '@nestjs/common';
import { EnvelopeAdapter } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';

interface Config {
  get(name: string): string;
}

export class ConfiguredAdapter extends EnvelopeAdapter {
  constructor(private app: INestApplication, private readonly config: Config) {
    const origin = config.get('ORIGIN');
    const publisher = createClient({ url: config.get('REDIS_URL') });
    super(app, {
      transports: [socketIO({ transports: ['websocket', 'polling'] })],
      replies: 'requests',
      cors: { origin, credentials: true },
      pingTimeout: 5_000,
      adapter: createAdapter(publisher, publisher.duplicate()),
    });
  }

  name(): string {
    return this.app.constructor.name;
  }
}

/** Nothing in it. */
export class EmptyAdapter extends EnvelopeAdapter {
  constructor(app?: object) {
    super(app, { transports: [socketIO()], replies: 'requests' });
  }
}

export class MinimalAdapter extends EnvelopeAdapter {
  constructor(app?: object) {
    super(app, { transports: [socketIO()], replies: 'requests', maxHttpBufferSize: 1e7 });
  }
}

export class AskingAdapter extends EnvelopeAdapter {
  private readonly allowed = new Set(['a']);

  constructor(app?: object) {
    super(app, {
      transports: [socketIO()],
      replies: 'requests',
      allowRequest: async (
        request: { url?: string },
        decide: (error: null, ok: boolean) => void,
      ) => {
        const isAllowed = this.allowed.has(request.url ?? '');

        return decide(null, isAllowed);
      },
    });
  }
}
