import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** So many in one of Jest's: each loads all of Nest, but workers are to end at the same time. */
const AT_ONCE = 12;

/** @returns the paths of all files below a folder that end so */
export function filesBelow(folder, ending) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))
    .sort();
}

/**
 * Writes spec files that run many others: to load Nest, RxJS and a platform anew takes a second of the processor's time for
 * each spec file, which is more than most of them take (on Nest 11 and Fastify 130 s for all, instead of 230).
 *
 * @param folder where they go
 * @param specs the spec files that run in them
 * @param isModule whether Jest takes spec files for ES modules
 */
export function together(folder, specs, isModule) {
  mkdirSync(folder, { recursive: true });
  const parts = Math.ceil(specs.length / AT_ONCE);
  const names = Array.from({ length: parts }, (_, part) => `part-${part}.spec.${isModule ? 'mjs' : 'cjs'}`);
  for (const file of readdirSync(folder)) if (!names.includes(file)) rmSync(join(folder, file));
  const write = isModule ? asModule : asScript;
  names.forEach((name, part) => {
    const file = join(folder, name);
    const text = write(specs.filter((_, index) => index % parts === part));
    // another run of Jest may be reading it
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  });
}

function asModule(specs) {
  return specs.map((spec) => `import ${JSON.stringify(spec)};\n`).join('');
}

// A block for each. What the support files hang on tests, they hang on those of all: they are loaded outside of them.
function asScript(specs) {
  const test = join(import.meta.dirname, '../test');
  const support = readdirSync(join(test, 'support')).filter((file) => file.endsWith('.ts'));
  return [
    ...support.map((file) => `require(${JSON.stringify(join(test, 'support', file))});\n`),
    ...specs.map(
      (spec) =>
        `describe(${JSON.stringify(relative(test, spec))}, () => void require(${JSON.stringify(spec)}));\n`,
    ),
  ].join('');
}
