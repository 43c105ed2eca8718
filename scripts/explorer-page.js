// Generates lib/explorer/page.ts from the files in lib/explorer/page/. As a module, they load the same way in ESM and
// CommonJS.
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
    '// Generated from the files in ./page by scripts/explorer-page.js. Change those files and run npm run build.\n',
    '/** The files of the page, by name. */\n',
    `export const PAGE: Readonly<Record<string, string>> = {\n${files.join('')}};\n`,
  ].join('');
}

export function writeExplorerPage() {
  writeFileSync(join(folder, '../page.ts'), explorerPage());
}

if (import.meta.filename === process.argv[1]) writeExplorerPage();
