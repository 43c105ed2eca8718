import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { version } = createRequire(import.meta.url)('@swc/core/package.json');

const PACKAGE = new URL('../../../lib/', import.meta.url).href;
const NEST_11 = new URL('../../nest-11/package.json', import.meta.url).href;

// The same options as in scripts/jest-projects.js.
const OPTIONS = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
  swcrc: false,
};

/** Returns the file of an entry, relative to lib/. */
function entryOf(specifier) {
  const entry = specifier.split('/')[1];
  if (entry === undefined) return 'index.ts';
  return entry === 'client' ? 'client/node.ts' : `${entry.replace('.', '')}/index.ts`;
}

export function resolve(specifier, context, next) {
  const fromSource = context.parentURL?.endsWith('.ts') === true;
  // sources import './x.js'; the file on disk is './x.ts'
  if (fromSource && /^\.{1,2}\/.*\.js$/.test(specifier)) return next(specifier.replace(/js$/, 'ts'), context);
  // samples import the package by name
  if (fromSource && /^nestjs-envelope(\/|$)/.test(specifier))
    return next(PACKAGE + entryOf(specifier), context);
  if (fromSource && specifier.startsWith('@nestjs/') && process.env.NEST_MAJOR === '11')
    return next(specifier, { ...context, parentURL: NEST_11 });
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  return { format: 'module', source: await compiled(fileURLToPath(url)), shortCircuit: true };
}

/** Compiled files. Without them a child would load and compile the package each time: half of the time that it takes to start. */
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/child-programs', import.meta.url));
mkdirSync(CACHE, { recursive: true });

async function compiled(filename) {
  const text = await readFile(filename, 'utf8');
  const key = createHash('sha256')
    .update([version, JSON.stringify(OPTIONS), filename, text].join('\0'))
    .digest('hex');
  const file = join(CACHE, `${key}.mjs`);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return known;
  const { transform } = await import('@swc/core');
  const { code } = await transform(text, { ...OPTIONS, filename });
  // several children start at a time, and none may read half a file
  const part = `${file}.${process.pid}`;
  await writeFile(part, code);
  await rename(part, file);
  return code;
}
