import { existsSync } from 'node:fs';
import { Broker } from './broker.js';
import { describeIf } from './present.js';

const EXECUTABLE = process.env.REDIS_SERVER_PATH ?? '/usr/bin/redis-server';

/** Where there is no Redis these tests are left out, and say so; in CI they fail instead. */
export const describeWithRedis = describeIf(
  existsSync(EXECUTABLE),
  `No redis-server at ${EXECUTABLE} (apt-get install redis-server, or set REDIS_SERVER_PATH)`,
);

/** A Redis of the spec file's own, empty whenever it is started anew. */
export class RedisServer extends Broker {
  protected override readonly stopSignal = 'SIGTERM';

  /** @param settings of redis.conf, as arguments: `['--appendonly', 'yes']` keeps the data over a restart */
  constructor(private readonly settings: readonly string[] = []) {
    super();
  }

  override get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  protected override program() {
    const where = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder];
    return {
      file: EXECUTABLE,
      args: [...where, '--daemonize', 'no', '--save', '', '--appendonly', 'no', ...this.settings],
      ready: /Ready to accept connections/,
    };
  }
}
