import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { Pool } from 'pg';
import { createAdapter } from '@socket.io/postgres-adapter';
import { EnvelopeServer, type AdapterFactory } from '../../lib/index.js';
import { describeWithPostgres, PostgresServer } from '../support/brokers/postgres.js';
import { startApp } from '../support/app.js';
import { askForUpgrade } from '../support/upgrade.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws', namespace: /^\/dyn-.+$/ })
class AnythingGateway {
  @WebSocketServer() server!: EnvelopeServer;
}

// @socket.io/postgres-adapter writes the name of a namespace into its LISTEN as it is
describeWithPostgres('the name of a path that a client chose', () => {
  const postgres = new PostgresServer();
  beforeAll(() => postgres.start());

  it('is no SQL', async () => {
    const pool = new Pool({ connectionString: postgres.url });
    // a test that failed leaves it open when the server ends
    pool.on('error', () => undefined);
    const adapter = createAdapter(pool) as AdapterFactory;
    const app = await startApp({ providers: [AnythingGateway] }, { adapter: { adapter } });
    const listening = (name: string) => async (): Promise<boolean> => {
      const { rows } = await pool.query('SELECT FROM pg_stat_activity WHERE query LIKE $1', [
        `LISTEN%${name}%`,
      ]);
      return rows.length > 0;
    };
    await until('the adapter listens', listening('/ws'));
    const { status } = await askForUpgrade(app.port, '/ws/dyn-x";CREATE/**/TABLE/**/stolen(a/**/int);--');
    expect(status).toBe(101);
    await until('the adapter listens', listening('dyn-x'));
    const { rows } = await pool.query("SELECT FROM pg_tables WHERE tablename = 'stolen'");
    expect(rows).toEqual([]);
    await app.close();
    await pool.end();
  });
});
