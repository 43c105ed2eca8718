import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONSOLE_PAGE } from '../../lib/explorer/console-page.js';
import { PAGE } from '../../lib/explorer/page.js';

it.each([
  ['page.ts', 'page', PAGE],
  ['console-page.ts', 'page/console', CONSOLE_PAGE],
])('contains in lib/explorer/%s the files of %s: run node scripts/explorer-page.js', (_, name, page) => {
  const folder = join(process.cwd(), 'lib/explorer', name);
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const names = entries.map((entry) => entry.name).sort();
  expect(Object.keys(page)).toEqual(names);
  for (const file of names)
    expect([file, page[file]]).toEqual([file, readFileSync(join(folder, file), 'utf8')]);
});
