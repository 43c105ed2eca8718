import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAGE } from '../../lib/explorer/page.js';

const FOLDER = join(process.cwd(), 'lib/explorer/page');

it('contains the files of page/ in lib/explorer/page.ts: run node scripts/explorer-page.js', () => {
  const names = readdirSync(FOLDER).sort();
  expect(Object.keys(PAGE)).toEqual(names);
  for (const name of names)
    expect([name, PAGE[name]]).toEqual([name, readFileSync(join(FOLDER, name), 'utf8')]);
});
