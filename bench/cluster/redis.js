// Starts an empty Redis for the bench, on a free port and in the foreground. It ends with the bench.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from 'redis';

const EXECUTABLE = process.env.REDIS_SERVER_PATH ?? '/usr/bin/redis-server';

/** Starts Redis. Returns `undefined` when the machine has no redis-server. */
export async function startRedis() {
  if (!existsSync(EXECUTABLE)) return undefined;
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'envelope-bench-'));
  const location = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  const server = spawn(EXECUTABLE, [...location, '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', kill);
  await ready(server);
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on('error', () => undefined);
  await client.connect();

  const info = async () => {
    const fields = new Map((await client.info()).split('\r\n').map((line) => line.split(':')));
    const number = (name) => Number(fields.get(name));
    return {
      version: fields.get('redis_version'),
      cpu: 1e6 * (number('used_cpu_user') + number('used_cpu_sys')),
      received: number('total_net_input_bytes'),
      sent: number('total_net_output_bytes'),
    };
  };
  const stop = async () => {
    client.destroy();
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
    process.off('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, client, info, clear: () => client.flushAll(), stop };
}

async function ready(server) {
  const lines = [];
  for await (const line of createInterface(server.stdout)) {
    lines.push(line);
    if (!line.includes('Ready to accept connections')) continue;
    server.stdout.resume();
    return;
  }
  throw new Error(`redis-server did not start:\n${lines.join('\n')}`);
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
