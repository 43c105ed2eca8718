import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { brotliSize, bundleClient } from '../../scripts/client-bundle.js';

it('docs/client.md states the size of client.min.js, in kB', async () => {
  const page = readFileSync(join(process.cwd(), 'docs/client.md'), 'utf8');
  const [, stated] = /one file of (\d\.\d) kB \(brotli/.exec(page)!;
  const size = brotliSize(await bundleClient(join(process.cwd(), 'lib/client/index.ts')));
  // esbuild reads the sources here, and the output of tsc in the build, which differs by some bytes
  expect(Math.abs(Number(stated) * 1_000 - size)).toBeLessThan(70);
});
