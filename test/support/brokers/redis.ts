import { existsSync } from 'node:fs';
import { Broker } from './broker.js';
import { describeIf } from './describe-if.js';

const EXECUTABLE = process.env.REDIS_SERVER_PATH ?? '/usr/bin/redis-server';

/** Skips these tests with a message where Redis is not installed. In CI they fail instead. */
export const describeWithRedis = describeIf(
  existsSync(EXECUTABLE),
  `No redis-server at ${EXECUTABLE} (apt-get install redis-server, or set REDIS_SERVER_PATH)`,
);

/** A Redis for one spec file. Each start empties it. */
export class RedisServer extends Broker {
  protected override readonly stopSignal = 'SIGTERM';

  /** @param settings settings of redis.conf as arguments; `['--appendonly', 'yes']` keeps the data over a restart */
  constructor(private readonly settings: readonly string[] = []) {
    super();
  }

  override get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  protected override program() {
    const location = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder];
    return {
      file: EXECUTABLE,
      args: [...location, '--daemonize', 'no', '--save', '', '--appendonly', 'no', ...this.settings],
      ready: /Ready to accept connections/,
    };
  }
}
