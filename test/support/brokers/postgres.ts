import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Pool, type PoolConfig } from 'pg';
import { Broker, type Account } from './broker.js';
import { describeIf } from './describe-if.js';

/** The folder of all installed majors on Debian. */
const DEBIAN = '/usr/lib/postgresql';
const PROGRAMS = process.env.POSTGRES_BIN ?? newest();

/** Skips these tests with a message where PostgreSQL is not installed. In CI they fail instead. */
export const describeWithPostgres = describeIf(
  existsSync(join(PROGRAMS, 'postgres')),
  `No postgres in ${PROGRAMS} (apt-get install postgresql, or set POSTGRES_BIN)`,
);

/** The table that `@socket.io/postgres-adapter` needs. */
const TABLE = `CREATE TABLE socket_io_attachments (
  id bigserial UNIQUE,
  created_at timestamptz DEFAULT NOW(),
  payload bytea
)`;

/** A PostgreSQL for one spec file, with the adapter's table. A restart keeps its data, except the last writes. */
export class PostgresServer extends Broker {
  // SIGTERM, a smart shutdown, would wait for the clients
  protected override readonly stopSignal = 'SIGINT';

  /** @param settings of postgresql.conf: `['max_connections=20']` */
  constructor(private readonly settings: readonly string[] = []) {
    super();
  }

  override get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** PostgreSQL refuses to run as root. For root, it runs as the user "postgres" of its package. */
  protected override account(): Account | undefined {
    if (process.getuid?.() !== 0) return undefined;
    const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
    if (uid === undefined)
      throw new Error('PostgreSQL does not run as root, and the user "postgres" does not exist');
    return { uid: Number(uid), gid: Number(gid) };
  }

  /**
   * Returns a pool of connections. `pool.end()` resolves before they are closed, so a server that stops then still
   * reports an error on them, for which a pool needs a listener.
   */
  pool(config: PoolConfig = {}): Pool {
    return new Pool({ connectionString: this.url, ...config }).on('error', () => undefined);
  }

  protected override async prepare(): Promise<void> {
    await this.runToEnd(join(PROGRAMS, 'initdb'), [
      ...[
        '-D',
        this.folder,
        '-U',
        'postgres',
        '--auth=trust',
        '--no-locale',
        '--encoding=UTF8',
        '--no-sync',
        '--wal-segsize=1',
      ],
    ]);
  }

  protected override program() {
    // no durability needed: a commit is written within a second
    const notDurable = ['fsync=off', 'full_page_writes=off', 'synchronous_commit=off'];
    const small = ['shared_buffers=16MB', 'autovacuum=off', 'max_wal_senders=0', 'wal_level=minimal'];
    const settings = [...notDurable, ...small, ...this.settings].flatMap((setting) => ['-c', setting]);
    const location = ['-D', this.folder, '-k', this.folder, '-h', '127.0.0.1', '-p', String(this.port)];
    return {
      file: join(PROGRAMS, 'postgres'),
      args: [...location, ...settings],
      ready: /ready to accept connections/,
    };
  }

  override async start(): Promise<this> {
    await super.start();
    const client = new Client({ connectionString: this.url });
    await client.connect();
    await client.query(TABLE.replace('TABLE', 'TABLE IF NOT EXISTS'));
    await client.end();
    return this;
  }
}

function newest(): string {
  const majors = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number).filter(Boolean) : [];
  return join(DEBIAN, String(Math.max(0, ...majors)), 'bin');
}
