import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';

/**
 * The real `@nestjs/throttler`, for Jest on Nest 12. It is CommonJS and requires Nest's ES modules, which Node allows
 * and Jest does not. Its files run unchanged; only their `require` is replaced here.
 */
type Throttler = typeof import('@nestjs/throttler');

const require = createRequire(join(process.cwd(), 'package.json'));
const loaded = new Map<string, { exports: unknown }>();
const nest: Record<string, unknown> = { '@nestjs/common': common, '@nestjs/core': core };

function load(file: string): unknown {
  const known = loaded.get(file);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  const find = (name: string): unknown => {
    if (name.startsWith('.')) return load(createRequire(file).resolve(name));
    return nest[name] ?? require(name);
  };
  // runs the file like Node's CommonJS loader
  // oxlint-disable-next-line typescript/no-implied-eval
  const run = new Function('require', 'module', 'exports', readFileSync(file, 'utf8'));
  Reflect.apply(run, undefined, [find, module, module.exports]);
  return module.exports;
}

const main = join(dirname(require.resolve('@nestjs/throttler/package.json')), 'dist/index.js');

export const { SkipThrottle, Throttle, ThrottlerGuard, ThrottlerModule, ThrottlerException } = load(
  main,
) as Throttler;
