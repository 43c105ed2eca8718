import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';

// only ends what hangs: loading all entries takes a minute on a slow machine that runs other tests, too
const TIMEOUT = 300_000;
const require = createRequire(import.meta.url);
const ALL = ['-A'];

/** Where each runtime is in its package, and the arguments in front of the program. */
const RUNTIMES = {
  'Node 22': ['node-22', 'bin/node', []],
  'Node 24': ['node-24', 'bin/node', []],
  Bun: ['bun', 'bin/bun.exe', []],
  Deno: ['@deno/linux-x64-glibc', 'deno', ['run', ...ALL, '--node-modules-dir=manual']],
};

/** The command of a runtime, or `undefined` where its package is not installed. */
function commandOf([name, file, args]) {
  try {
    return [join(dirname(require.resolve(`${name}/package.json`)), file), args];
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    return undefined;
  }
}

async function serve([command, args], use) {
  const server = spawn(command, [...args, 'server.mjs'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  const limit = setTimeout(() => server.kill('SIGKILL'), TIMEOUT);
  try {
    const [port] = await Promise.race([
      once(createInterface(server.stdout), 'line'),
      ended.then(() => assert.fail('the server ended before it listened')),
    ]);
    await use(`ws://127.0.0.1:${port}/ws`);
    server.stdin.end();
    assert.deepEqual(await ended, [0, null]);
  } finally {
    clearTimeout(limit);
    server.kill('SIGKILL');
  }
}

const talk = async ([command, args], url) => {
  const { stdout } = await promisify(execFile)(command, [...args, 'client.mjs', url], { timeout: TIMEOUT });
  return JSON.parse(stdout);
};

/** The names of each entry, as this runtime loads it. */
async function entriesOf([command, args]) {
  const { stdout } = await promisify(execFile)(command, [...args, 'entries.mjs'], { timeout: TIMEOUT });
  return JSON.parse(stdout);
}

const NODE = [process.execPath, []];
const expected = entriesOf(NODE);
test('this Node loads the same names by import and by require', async () => {
  const entries = Object.entries(await expected);
  assert.ok(entries.length > 20);
  for (const [path, { imported, required }] of entries) {
    assert.ok(imported.length > 0, path);
    assert.deepEqual(required, imported, path);
  }
});

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  const command = commandOf(runtime);
  const skip = command === undefined && `${runtime[0]} is not installed`;
  test(`${name} as the server`, { skip }, () =>
    serve(command, async (url) => assert.deepEqual(await talk(NODE, url), { length: 5, said: 'hello' })),
  );
  test(`${name} as the client`, { skip }, () =>
    serve(NODE, async (url) => assert.deepEqual(await talk(command, url), { length: 5, said: 'hello' })),
  );
  test(`${name} loads each entry`, { skip }, async () =>
    assert.deepEqual(await entriesOf(command), await expected),
  );
}
