import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { resolveAdapterLimits, resolvePathLimits } from '../../lib/limits.js';

const read = (name: string): string => readFileSync(join(process.cwd(), name), 'utf8');

/** The rows of a document's tables, cell by cell. */
const rows = (document: string): string[][] =>
  document
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

describe('SECURITY.md', () => {
  it('names tests that exist, for every attack', () => {
    const attacks = rows(read('SECURITY.md')).filter(([, attack]) => !/^(\*\*|attack|-+$)/.test(attack!));
    expect(attacks.length).toBeGreaterThan(20);
    for (const [, attack, , tests] of attacks) {
      const names = [...tests!.matchAll(/`([\w/-]+)`/g)].map(([, name]) => name!);
      expect([attack, names.length]).not.toEqual([attack, 0]);
      for (const name of names) expect([name, existsSync(`test/${name}.spec.ts`)]).toEqual([name, true]);
    }
  });
});

describe('the README', () => {
  it('has every limit with its default', () => {
    const documented = Object.fromEntries(
      rows(read('README.md')).map(([, name, value]) => [
        name!.replaceAll('`', ''),
        value!.startsWith('off') ? Infinity : Number.parseInt(value!.replaceAll(',', ''), 10),
      ]),
    );
    const limits = { ...resolvePathLimits(), ...resolveAdapterLimits(undefined) };
    for (const [name, value] of Object.entries(limits))
      expect([name, documented[name]]).toEqual([name, value]);
  });
});
