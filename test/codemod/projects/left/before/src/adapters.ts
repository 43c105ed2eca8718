import { IoAdapter } from '@nestjs/platform-socket.io';
import { instrument } from '@socket.io/admin-ui';
import { ServerOptions, Server } from 'socket.io';

export class SessionAdapter extends IoAdapter {
  private options = {};

  constructor(private readonly app: App, private readonly config: Config) {
    super(app);
    this.url = config.url;
  }

  createIOServer(port: number, options?: ServerOptions): Server {
    const redis = createRedis(this.url);
    const server = super.createIOServer(3001, { ...options, ...this.config.socket, allowEIO3: true, cors: { origin: options?.cors } });
    server.use((socket, next) => session(socket.request, {}, next));
    server.of('/polls').use(token);
    if (this.isProduction) {
      server.adapter(this.factory);
    }
    instrument(server, { auth: false });
    return server;
  }

  bindClientConnect(server: Server, callback: () => void) {
    super.bindClientConnect(server, callback);
  }
}

export class NoApplication extends IoAdapter {
  constructor() {
    super();
  }
}

export class Understood extends IoAdapter {}

export const create = (app: App) => new IoAdapter(app);
