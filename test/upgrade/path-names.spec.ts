import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/postgres-adapter';
import { EnvelopeServer, type AdapterFactory } from '../../lib/index.js';
import { describeWithPostgres, PostgresServer } from '../support/brokers/postgres.js';
import { startApp } from '../support/app.js';
import { RawClient } from '../support/raw-client.js';
import { until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws', namespace: /^\/dyn-.+$/ })
class DynamicGateway {
  @WebSocketServer() server!: EnvelopeServer;
}

// @socket.io/postgres-adapter writes the name of a namespace into its LISTEN unchanged, and we into our UNLISTEN.
describeWithPostgres('a path name that a client chose', () => {
  const postgres = new PostgresServer();
  beforeAll(() => postgres.start());

  it('is not executed as SQL', async () => {
    const pool = postgres.pool();
    const adapter = createAdapter(pool) as AdapterFactory;
    const app = await startApp({ providers: [DynamicGateway] }, { adapter: { adapter } });
    const lastStatement = (pattern: string) => async (): Promise<boolean> => {
      const { rows } = await pool.query('SELECT FROM pg_stat_activity WHERE query LIKE $1', [pattern]);
      return rows.length > 0;
    };
    const client = await RawClient.connect(app.port, '/ws/dyn-x";CREATE/**/TABLE/**/stolen(a/**/int);--');
    await until('the LISTEN', lastStatement('LISTEN%dyn-x%'));
    client.tcp.destroy();
    await until('the UNLISTEN', lastStatement('UNLISTEN%dyn-x%'));
    const { rows } = await pool.query("SELECT FROM pg_tables WHERE tablename = 'stolen'");
    expect(rows).toEqual([]);
    await app.close();
    await pool.end();
  });
});
