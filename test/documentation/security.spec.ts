import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { resolveOptions } from '../../lib/socketio/options.js';
import { resolveAdapterLimits, resolvePathLimits } from '../../lib/nest/options/limits.js';
import { resolveRecovery } from '../../lib/nest/options/recovery-options.js';

const read = (name: string): string => readFileSync(join(process.cwd(), name), 'utf8');

/** Returns the rows of a document's tables as lists of cells. */
const rows = (document: string): string[][] =>
  document
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));

/** Returns the rows of the table under a heading, without rows that are headings themselves. */
function tableUnder(heading: string): string[][] {
  const [, text] = read('SECURITY.md').split(`## ${heading}\n`);
  const [, , ...all] = rows(text!.split('\n## ')[0]!);
  return all.filter(([, first]) => !first!.startsWith('**'));
}

/** Expects the last cell of a row to name existing spec files. */
function expectSpecs(row: readonly string[]): void {
  const names = [...row.at(-2)!.matchAll(/`([\w/-]+)`/g)].map(([, name]) => name!);
  expect([row[1], names.length]).not.toEqual([row[1], 0]);
  for (const name of names) expect([name, existsSync(`test/${name}.spec.ts`)]).toEqual([name, true]);
}

describe('SECURITY.md', () => {
  it('names existing tests for each attack', () => {
    const attacks = tableUnder('Attacks, and the tests that cover them');
    expect(attacks.length).toBeGreaterThan(20);
    for (const attack of attacks) expectSpecs(attack);
  });

  it('names a limit and existing tests for everything that clients can make the server keep', () => {
    const kept = tableUnder('What clients can make the server keep');
    expect(kept.length).toBeGreaterThan(15);
    const defaults: Record<string, unknown> = {
      ...resolvePathLimits(),
      ...resolveAdapterLimits(undefined),
      ...resolveRecovery({ recovery: true }),
    };
    for (const row of kept) {
      expect(row).toHaveLength(7);
      const [, what, because, until, limit] = row;
      for (const cell of [what, because, until, limit]) expect([what, cell]).not.toEqual([what, '']);
      const named = [...`${until} ${limit}`.matchAll(/`(?:limits|recovery)\.(\w+)`(?: \(([\d,]+)\))?/g)];
      for (const [, name, value] of named) {
        expect([what, name, defaults[name!]]).toEqual([what, name, expect.any(Number)]);
        if (value !== undefined)
          expect([name, Number(value.replaceAll(',', ''))]).toEqual([name, defaults[name!]]);
      }
      expectSpecs(row);
    }
  });
});

describe('the documentation', () => {
  it('lists each option of socketIO() with its default', () => {
    const [, , ...options] = rows(read('docs/socketio-clients.md'));
    const named: Record<string, unknown> = { off: false, true: true, none: undefined };
    const defaultIn = (cell: string): unknown => {
      const value = cell.replaceAll('`', '').replace(/ ms$/, '');
      if (value in named) return named[value];
      if (/^[\d,]+$/.test(value)) return Number(value.replaceAll(',', ''));
      return value.startsWith('[') ? JSON.parse(value.replaceAll("'", '"')) : value;
    };
    const documented = options.map(([, name, cell]) => [name!.replaceAll('`', ''), defaultIn(cell!)]);
    expect(Object.fromEntries(documented)).toEqual({ ...resolveOptions({}), cookie: undefined });
    expect(documented.map(([name]) => name as string)).toContain('cookie');
  });

  it('lists each limit with its default', () => {
    const documented = Object.fromEntries(
      rows(read('docs/limits.md')).map(([, name, value]) => [
        name!.replaceAll('`', ''),
        value!.startsWith('off') ? Infinity : Number.parseInt(value!.replaceAll(',', ''), 10),
      ]),
    );
    const limits = { ...resolvePathLimits(), ...resolveAdapterLimits(undefined) };
    for (const [name, value] of Object.entries(limits))
      expect([name, documented[name]]).toEqual([name, value]);
  });
});
