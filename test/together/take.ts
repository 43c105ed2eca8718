import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** All that run together: jest.config.js names them. */
declare const SPECS: readonly string[];
// Jest's own, which takes a file of this folder's for what is asking
declare const require: (file: string) => unknown;

const PARTS = 8;
const TEST = join(import.meta.dirname, '..');

/** Runs the spec files of that part, the first of which has the number 0, as if each were a block of this one. */
export function take(part: number): void {
  // what they hang on tests, they hang on those of all
  for (const file of readdirSync(join(TEST, 'support')))
    if (file.endsWith('.ts')) require(join(TEST, 'support', file));
  SPECS.forEach((spec, index) => {
    if (index % PARTS === part) describe(relative(TEST, spec), () => void require(spec));
  });
}
