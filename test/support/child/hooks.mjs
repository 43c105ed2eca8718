import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

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
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { ...OPTIONS, filename });
  return { format: 'module', source: code, shortCircuit: true };
}
