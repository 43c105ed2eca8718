import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { brotliSize, bundleClient } from '../../scripts/client-bundle.js';

const page = readFileSync(join(process.cwd(), 'docs/client.md'), 'utf8');
const source = (entry: string): string => join(process.cwd(), `lib/${entry}.ts`);
const sizeOf = async (...entries: string[]): Promise<number> =>
  brotliSize(await bundleClient(...entries.map(source)));

/**
 * The page has kB with one decimal; esbuild reads the sources here, and the output of tsc in the build, which differs by some
 * bytes.
 */
const TOLERANCE = 70;

it('docs/client.md states the size of client.min.js, in kB', async () => {
  const [, stated] = /one file of (\d\.\d) kB \(brotli/.exec(page)!;
  expect(Math.abs(Number(stated) * 1_000 - (await sizeOf('client/index')))).toBeLessThan(TOLERANCE);
});

it('docs/client.md states what each further entry adds, in kB', async () => {
  const { exports } = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as {
    exports: object;
  };
  const rows = [...page.matchAll(/^\| \[`(client\/[\w-]+)`\]\S+ +\| (\d\.\d) +\|$/gm)];
  const entries = Object.keys(exports).filter((path) => path.startsWith('./client/'));
  expect(rows.map(([, entry]) => `./${entry}`)).toEqual(entries.sort());
  const client = await sizeOf('client/index');
  const wrong: string[] = [];
  for (const [, entry, stated] of rows) {
    const added = (await sizeOf('client/index', entry!)) - client;
    if (Math.abs(Number(stated) * 1_000 - added) >= TOLERANCE)
      wrong.push(`${entry}: ${added} bytes, not ${stated} kB`);
  }
  expect(wrong).toEqual([]);
});
