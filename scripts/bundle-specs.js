import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Other packages, what they installed, and the bundles. */
const IGNORED = /^consumers\/|^\.|(^|\/)node_modules\//;

/** Returns the paths of all spec files below the folder, relative to it, with forward slashes. */
export function findSpecs(folder) {
  return readdirSync(folder, { recursive: true })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => file.endsWith('.spec.ts') && !IGNORED.test(file))
    .sort((one, other) => one.localeCompare(other));
}

/**
 * Writes one file per folder of spec files, which imports them all: `test/.bundles/12-express/limits.spec.ts`.
 *
 * Jest loads all modules again for each spec file. Nest, RxJS and an HTTP platform cost half a second of processor time
 * each time, which is more than most spec files take to run. A bundle pays it once.
 *
 * @param test the folder of all tests
 * @param name the folder of the bundles in `test/.bundles`
 * @param specs spec files, relative to `test`
 * @returns the paths of the bundles, relative to `test`
 */
export function bundleSpecs(test, name, specs) {
  const target = join(test, '.bundles', name);
  mkdirSync(target, { recursive: true });
  const bundles = new Map();
  for (const spec of specs) {
    const bundle = `${spec.split('/')[0]}.spec.ts`;
    const line = `import '../../${spec.replace(/\.ts$/, '.js')}';\n`;
    bundles.set(bundle, (bundles.get(bundle) ?? '') + line);
  }
  for (const file of readdirSync(target)) if (!bundles.has(file)) rmSync(join(target, file));
  for (const [bundle, text] of bundles) writeIfChanged(join(target, bundle), text);
  return [...bundles.keys()].map((bundle) => `.bundles/${name}/${bundle}`);
}

/** Leaves an unchanged file alone: another run of Jest may be reading it. */
function writeIfChanged(file, text) {
  try {
    if (readFileSync(file, 'utf8') === text) return;
  } catch {
    // not written yet
  }
  writeFileSync(file, text);
}
