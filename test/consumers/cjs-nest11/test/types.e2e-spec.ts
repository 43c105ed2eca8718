import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** `npm run typecheck`, which runs next, compiles the generated file. */
const [CONTRACT, TYPES] = ['dist/asyncapi.json', 'test/generated-events.ts'];
const CLI = 'node_modules/.bin/nestjs-envelope';

it('writeTypes and the command types write the same file', async () => {
  // not in Jest, which cannot load prettier, which json-schema-to-typescript needs, without --experimental-vm-modules
  await run(process.execPath, ['dist/src/types.js', CONTRACT, TYPES]);
  expect(await readFile(TYPES, 'utf8')).toMatch(/export function connectWs\(/);
  await run(CLI, ['types', CONTRACT, '--out', TYPES, '--check']);
  const { stdout } = await run(CLI, ['contract', CONTRACT]);
  expect(stdout).toMatch(/echo .* AppGateway\.echo\n/);
}, 30_000);
