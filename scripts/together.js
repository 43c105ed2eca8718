import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** So many in one of Jest's: each loads all of Nest, but workers are to end at the same time. */
const AT_ONCE = 12;
/** Projects of their own, and what they have installed. */
const FOREIGN = /^consumers\/|(^|\/)node_modules\//;

/**
 * @param {string} folder
 * @returns the paths of all spec files below it, from there, as Jest writes them
 */
export function specsBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => file.endsWith('.spec.ts') && !FOREIGN.test(file))
    .sort((one, other) => one.localeCompare(other));
}

/**
 * Writes spec files that run many others: to load Nest, RxJS and a platform anew takes a second of the processor's time for
 * each spec file, which is more than most of them take (on Nest 11 and Fastify 130 s for all, instead of 230).
 *
 * @param test the folder of all tests
 * @param into the folder there that they are written to
 * @param specs the spec files that run in them
 * @param isModule whether Jest takes spec files for ES modules
 */
export function together(test, into, specs, isModule) {
  const folder = join(test, into);
  mkdirSync(folder, { recursive: true });
  const parts = Math.ceil(specs.length / AT_ONCE);
  const names = Array.from({ length: parts }, (_, part) => `part-${part}.spec.${isModule ? 'mjs' : 'cjs'}`);
  for (const file of readdirSync(folder)) if (!names.includes(file)) rmSync(join(folder, file));
  names.forEach((name, part) => {
    const some = specs.filter((_, index) => index % parts === part);
    const file = join(folder, name);
    const text = (isModule ? asModule(some) : asScript(some, join(test, 'support'))).join('');
    // another run of Jest may be reading it
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  });
}

const fromThere = (spec) => JSON.stringify(`../../${spec}`);

function asModule(specs) {
  return specs.map((spec) => `import ${fromThere(spec)};\n`);
}

// A block for each. What the support files hang on tests, they hang on those of all: they are loaded outside of them.
function asScript(specs, support) {
  const files = readdirSync(support).filter((file) => file.endsWith('.ts'));
  return [
    ...files.map((file) => `require(${fromThere(`support/${file}`)});\n`),
    ...specs.map((spec) => `describe(${JSON.stringify(spec)}, () => void require(${fromThere(spec)}));\n`),
  ];
}
