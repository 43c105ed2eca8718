import { once } from 'node:events';
import { createAdapter } from '@socket.io/postgres-adapter';
import { Pool, type PoolClient } from 'pg';
import { describeWithPostgres, PostgresServer } from '../support/brokers/postgres.js';
import { got, startBareApp, type Pair, type BareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

describeWithPostgres(
  "the line on which the adapter of PostgreSQL listens, a client of the application's pool",
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
        // what leaves a pool was cut
        idleTimeoutMillis: 0,
      });
      pools.push(pool);
      return pool;
    };
    afterEach(async () => {
      await Promise.all(nodes.splice(0).map(({ app }) => app.close()));
      // resolves when all of its clients were given back
      await Promise.all(pools.splice(0).map((pool) => pool.end()));
    });

    /** The processes of PostgreSQL on whose lines these pools listen. */
    const listening = async (admin: Pool, ...by: Pool[]): Promise<number[]> => {
      const names = by.map(({ options }) => options.application_name);
      const { rows } = await admin.query<{ pid: number }>(
        // whose query is under way still does not listen yet
        `SELECT pid FROM pg_stat_activity
         WHERE query LIKE 'LISTEN%' AND state = 'idle' AND application_name = ANY($1)`,
        [names],
      );
      return rows.map(({ pid }) => pid);
    };

    const cutAll = (pool: Pool, pids: number[]): Promise<unknown> =>
      pool.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [pids]);

    /** The next line goes before the server hears what is to be listened to; resolves when it did. */
    const cutOnTheWay = (pool: Pool, cut: (pid: number) => Promise<unknown>): Promise<void> =>
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

    it('comes back as often as it is cut, once, and the pool is as large as before', async () => {
      const admin = makePool().on('error', () => undefined);
      const [here, there] = [await startNode(), await startNode()];
      const [{ client }] = (await there.join(1)) as [Pair];
      await until('both lines', async () => (await listening(admin, here.pool, there.pool)).length === 2);
      const sent: string[] = [];
      for (let round = 0; round < 2; round++) {
        const isFirst = round === 0;
        const onTheWay = isFirst ? cutOnTheWay(there.pool, (pid) => cutAll(admin, [pid])) : undefined;
        const cut = await listening(admin, here.pool, there.pool);
        await cutAll(admin, cut);
        await onTheWay;
        const isNew = (pid: number): boolean => !cut.includes(pid);
        await until(
          'both lines',
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
        await until('the rest', () => pool.totalCount - pool.idleCount === 1);
      }
    });

    it('is let go of when the application closes while it is being made anew', async () => {
      const admin = makePool().on('error', () => undefined);
      const { app, pool } = await startNode();
      await until('the line', async () => (await listening(admin, pool)).length === 1);
      const attempt = new Promise<void>((resolve) => {
        const connect = pool.connect.bind(pool) as (...args: unknown[]) => Promise<PoolClient>;
        const noticed = (...args: unknown[]): Promise<PoolClient> => {
          // queries of the pool's own connect with a callback
          if (args.length === 0) resolve();
          return connect(...args);
        };
        Object.assign(pool, { connect: noticed });
      });
      // else PostgreSQL may stand still before the line's process heard that it is to end
      const gone = once(pool, 'remove');
      await cutAll(admin, await listening(admin, pool));
      await gone;
      postgres.stall();
      await attempt;
      await app.nest.close();
      postgres.resume();
      await Promise.all(pools.splice(pools.indexOf(pool), 1).map((one) => one.end()));
      expect(await listening(admin, pool)).toEqual([]);
    });
  },
);
