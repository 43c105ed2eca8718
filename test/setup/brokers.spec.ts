import { connect } from 'node:net';
import { Client } from 'pg';
import { createClient } from 'redis';
import { PostgresServer, describeWithPostgres } from '../support/brokers/postgres.js';
import { RedisServer, describeWithRedis } from '../support/brokers/redis.js';

/** Whether a question is answered within a moment. */
async function answersWithin(ms: number, question: () => Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  const answer = await Promise.race([question().then(() => true), late]);
  clearTimeout(timer);
  return answer;
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const tcp = connect(port, '127.0.0.1', () => {
      tcp.destroy();
      resolve(false);
    });
    tcp.on('error', () => resolve(true));
  });
}

describeWithRedis("a Redis of the test's own", () => {
  const redis = new RedisServer();
  const ask = async (): Promise<string | null> => {
    const client = createClient({ url: redis.url, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.get('key');
    } finally {
      client.destroy();
    }
  };
  beforeAll(() => redis.start());

  it('stands still and goes on, with its connections', async () => {
    const client = createClient({ url: redis.url });
    client.on('error', () => undefined);
    await client.connect();
    await client.set('key', 'value');
    redis.stall();
    const held = client.get('key');
    expect(await answersWithin(100, () => held)).toBe(false);
    redis.resume();
    expect(await held).toBe('value');
    client.destroy();
  });

  it('is killed, and restarts on its port, empty', async () => {
    const { port } = redis;
    await redis.kill();
    expect(redis.isRunning).toBe(false);
    expect(await isRefused(port)).toBe(true);
    await redis.restart();
    expect(redis.port).toBe(port);
    expect(await ask()).toBeNull();
  });

  it('ends while it stands still', async () => {
    redis.stall();
    await redis.stop();
    expect(redis.isRunning).toBe(false);
  });
});

describeWithPostgres("a PostgreSQL of the test's own", () => {
  const postgres = new PostgresServer();
  const count = async (client: Client): Promise<string> => {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM socket_io_attachments');
    return rows[0]!.count;
  };
  const open = async (): Promise<Client> => {
    const client = new Client({ connectionString: postgres.url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  beforeAll(() => postgres.start());

  it('stands still and goes on, with all its processes', async () => {
    const client = await open();
    await client.query('SET synchronous_commit = on');
    await client.query("INSERT INTO socket_io_attachments (payload) VALUES ('x')");
    postgres.stall();
    const held = count(client);
    expect(await answersWithin(100, () => held)).toBe(false);
    postgres.resume();
    expect(await held).toBe('1');
    await client.end();
  });

  it('is killed, and restarts on its port, with its data', async () => {
    const { port } = postgres;
    const client = await open();
    const ended = new Promise((resolve) => client.once('end', resolve));
    await postgres.kill();
    await ended;
    expect(await isRefused(port)).toBe(true);
    await postgres.restart();
    const next = await open();
    expect(await count(next)).toBe('1');
    await next.end();
  });

  it('stops while a client is connected', async () => {
    const client = await open();
    await postgres.stop();
    expect(postgres.isRunning).toBe(false);
    await client.end();
  });
});
