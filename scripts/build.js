// Compiles lib/ twice: dist/esm for import, dist/cjs for require.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliSize, bundleClient } from './client-bundle.js';
import { writeExplorerPage } from './explorer-page.js';

const root = join(import.meta.dirname, '..');
const tsc = join(root, 'node_modules/typescript/bin/tsc');

writeExplorerPage();
rmSync(join(root, 'dist'), { recursive: true, force: true });
for (const format of ['esm', 'cjs']) {
  execFileSync(process.execPath, [tsc, '-p', join(root, `tsconfig.${format}.json`)], { stdio: 'inherit' });
}
// npm makes the bin executable where it installs the package, but not in a clone.
chmodSync(join(root, 'dist/esm/cli/main.js'), 0o755);
// The package is "type": "module". This folder is CommonJS.
writeFileSync(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');

// The Nest CLI reads these by package.json's "schematics", and loads the schematics with require().
for (const file of ['collection.json', 'nest-add/schema.json'])
  cpSync(join(root, 'lib/schematics', file), join(root, 'dist/cjs/schematics', file));

const client = await bundleClient(join(root, 'dist/esm/client/index.js'));
writeFileSync(join(root, 'dist/client.min.js'), client);
console.log(`dist/client.min.js: ${client.length} bytes, ${brotliSize(client)} as brotli`);
