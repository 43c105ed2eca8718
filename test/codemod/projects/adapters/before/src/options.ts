import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import type { ServerOptions } from 'socket.io';

interface Config {
  get(name: string): string;
}

export class ConfiguredAdapter extends IoAdapter {
  constructor(private app: INestApplication, private readonly config: Config) {
    super(app);
  }

  createIOServer(port: number, options: ServerOptions) {
    const origin = this.config.get('ORIGIN');
    const publisher = createClient({ url: this.config.get('REDIS_URL') });
    options.cors = { origin, credentials: true };
    const optionsWithPing = { ...options, pingTimeout: 5_000, transports: ['websocket', 'polling'] };
    const server = super.createIOServer(port, optionsWithPing as ServerOptions);
    server.adapter(createAdapter(publisher, publisher.duplicate()));
    return server;
  }

  name(): string {
    return this.app.constructor.name;
  }
}

/** Nothing in it. */
export class EmptyAdapter extends IoAdapter {}

export class MinimalAdapter extends IoAdapter {
  createIOServer(port: number, options?: ServerOptions) {
    return super.createIOServer(port, { ...options, maxHttpBufferSize: 1e7 });
  }
}

export class AskingAdapter extends IoAdapter {
  private readonly allowed = new Set(['a']);

  createIOServer(port: number, options?: any): any {
    options.allowRequest = async (
      request: { url?: string },
      decide: (error: null, ok: boolean) => void,
    ) => {
      const isAllowed = this.allowed.has(request.url ?? '');

      return decide(null, isAllowed);
    };

    return super.createIOServer(port, options);
  }
}
