// Generates lib/explorer/page.ts and lib/explorer/console-page.ts from the files in lib/explorer/page/ and its folder console/.
// As modules, they load the same way in ESM and CommonJS.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const explorer = join(import.meta.dirname, '../lib/explorer');

/** The modules, by the folder that each contains. */
const MODULES = [
  { folder: 'page', module: 'page.ts', name: 'PAGE', what: 'The files of the page' },
  {
    folder: 'page/console',
    module: 'console-page.ts',
    name: 'CONSOLE_PAGE',
    what: 'The files of the console, besides those that it shares with the page',
  },
];

function generate({ folder, name, what }) {
  const files = readdirSync(join(explorer, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort()
    .map((file) => {
      const text = readFileSync(join(explorer, folder, file), 'utf8');
      return `  ${JSON.stringify(file)}: ${JSON.stringify(text)},\n`;
    });
  return [
    `// Generated from the files in ./${folder} by scripts/explorer-page.js. Change those files and run npm run build.\n`,
    `/** ${what}, by name. */\n`,
    `export const ${name}: Readonly<Record<string, string>> = {\n${files.join('')}};\n`,
  ].join('');
}

export function writeExplorerPage() {
  for (const one of MODULES) writeFileSync(join(explorer, one.module), generate(one));
}

if (import.meta.filename === process.argv[1]) writeExplorerPage();
