import { once } from 'node:events';
import { createAdapter } from '@socket.io/postgres-adapter';
import { Pool, type PoolClient } from 'pg';
import { describeWithPostgres, PostgresServer } from '../support/brokers/postgres.js';
import { got, startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

describeWithPostgres(
  'the LISTEN connection of the adapter of PostgreSQL, from the pool of the application',
  () => {
    const postgres = new PostgresServer();
    beforeAll(() => postgres.start());

    let count = 0;
    const pools: Pool[] = [];
    const nodes: BareApp[] = [];
    const makePool = (): Pool => {
      const name = `pool-${count++}`;
      const pool = new Pool({
        connectionString: postgres.url,
        max: 3,
        application_name: name,
        // A client leaves the pool only when its connection is cut.
        idleTimeoutMillis: 0,
      });
      pools.push(pool);
      return pool;
    };
    /**
     * Resolves when the pools have all of their clients back. Their connections are closed later, and a server that stops
     * then reports an error on them.
     */
    const endPools = async (ended: readonly Pool[]): Promise<void> => {
      await Promise.all(ended.map((pool) => pool.on('error', () => undefined).end()));
    };
    afterEach(async () => {
      await Promise.all(nodes.splice(0).map(({ app }) => app.close()));
      await endPools(pools.splice(0));
    });

    /** The PostgreSQL processes whose connections listen for these pools. */
    const listening = async (admin: Pool, ...pools: Pool[]): Promise<number[]> => {
      const names = pools.map(({ options }) => options.application_name);
      const { rows } = await admin.query<{ pid: number }>(
        // A process whose query is still running does not listen yet.
        `SELECT pid FROM pg_stat_activity
         WHERE query LIKE 'LISTEN%' AND state = 'idle' AND application_name = ANY($1)`,
        [names],
      );
      return rows.map(({ pid }) => pid);
    };

    const cutAll = (pool: Pool, pids: number[]): Promise<unknown> =>
      pool.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [pids]);

    /** Cuts the next connection before the server processes its LISTEN. Resolves after that. */
    const cutBeforeListen = (pool: Pool, cut: (pid: number) => Promise<unknown>): Promise<void> =>
      new Promise((resolve) => {
        const patch = (client: PoolClient): void => {
          const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
          const patched = async (...args: unknown[]): Promise<unknown> => {
            if (String(args[0]).startsWith('LISTEN')) {
              pool.off('acquire', patch);
              await cut(Reflect.get(client, 'processID') as number);
              resolve();
            }
            return query(...args);
          };
          Object.assign(client, { query: patched });
        };
        pool.on('acquire', patch);
      });

    async function startNode(): Promise<BareApp & { pool: Pool }> {
      const pool = makePool();
      const node = await startBareApp({ adapter: createAdapter(pool) });
      nodes.push(node);
      return Object.assign(node, { pool });
    }

    it('is replaced after each cut, once, and the pool keeps its size', async () => {
      const admin = makePool().on('error', () => undefined);
      const [here, there] = [await startNode(), await startNode()];
      const [{ client }] = (await there.join(1)) as [Pair];
      await until(
        'both connections',
        async () => (await listening(admin, here.pool, there.pool)).length === 2,
      );
      const sent: string[] = [];
      for (let round = 0; round < 2; round++) {
        const isFirst = round === 0;
        const cutEarly = isFirst ? cutBeforeListen(there.pool, (pid) => cutAll(admin, [pid])) : undefined;
        const cut = await listening(admin, here.pool, there.pool);
        await cutAll(admin, cut);
        await cutEarly;
        const isNew = (pid: number): boolean => !cut.includes(pid);
        await until(
          'both connections',
          async () => (await listening(admin, here.pool, there.pool)).filter(isNew).length === 2,
        );
        here.server.emit(`round ${round}`);
        sent.push(`round ${round}`);
        await client.next(`round ${round}`);
      }
      here.server.emit('end');
      await client.next('end');
      expect((await got(client)).map(([event]) => event)).toEqual([...sent, 'end']);
      for (const { pool } of [here, there]) {
        await until('the release of the other clients', () => pool.totalCount - pool.idleCount === 1);
      }
    });

    it('is released when the application closes while it is replaced', async () => {
      const admin = makePool().on('error', () => undefined);
      const { app, pool } = await startNode();
      await until('the connection', async () => (await listening(admin, pool)).length === 1);
      const attempt = new Promise<void>((resolve) => {
        const connect = pool.connect.bind(pool) as (...args: unknown[]) => Promise<PoolClient>;
        const reportAttempt = (...args: unknown[]): Promise<PoolClient> => {
          // Queries of the pool connect with a callback.
          if (args.length === 0) resolve();
          return connect(...args);
        };
        Object.assign(pool, { connect: reportAttempt });
      });
      // Otherwise PostgreSQL may be stalled before the process of the connection receives its termination.
      const removed = once(pool, 'remove');
      await cutAll(admin, await listening(admin, pool));
      await removed;
      postgres.stall();
      await attempt;
      await app.nest.close();
      postgres.resume();
      await endPools(pools.splice(pools.indexOf(pool), 1));
      await until('the end of its connection', async () => (await listening(admin, pool)).length === 0);
    });
  },
);
