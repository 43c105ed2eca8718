// Makes lib/explorer/page.ts of the files in lib/explorer/page/: both module formats find them in the same way then.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../lib/explorer/page');

export function explorerPage() {
  const files = readdirSync(folder)
    .sort()
    .map(
      (name) => `  ${JSON.stringify(name)}: ${JSON.stringify(readFileSync(join(folder, name), 'utf8'))},\n`,
    );
  return [
    '// Made of the files in ./page by scripts/explorer-page.js: change those, and run npm run build.\n',
    '/** The files of the page, by name. */\n',
    `export const PAGE: Readonly<Record<string, string>> = {\n${files.join('')}};\n`,
  ].join('');
}

export function writeExplorerPage() {
  writeFileSync(join(folder, '../page.ts'), explorerPage());
}

if (import.meta.filename === process.argv[1]) writeExplorerPage();
