import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

interface Package {
  license?: string;
  engines?: { node?: string };
  /** Not installed, and without a warning, where the engine is another one. */
  optional?: boolean;
  dependencies?: Record<string, string>;
}
const read = (file: string): string => readFileSync(join(process.cwd(), file), 'utf8');
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Package> };

/** Licences under which any application may use and pass on a package. */
const PERMISSIVE = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD'];

/** The folder of a package that another one imports: the nearest `node_modules` counts. */
function folderOf(name: string, from: string): string {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const folder = `${base === '' ? '' : `${base}/`}node_modules/${name}`;
    if (packages[folder] !== undefined) return folder;
    if (base === '') throw new Error(`${name} is not in package-lock.json`);
  }
}

/** Everything that an application gets when it installs this package, without its peers. */
function installed(): Map<string, Package> {
  const found = new Map<string, Package>();
  const add = (from: string): void => {
    for (const name of Object.keys(packages[from]!.dependencies ?? {})) {
      const folder = folderOf(name, from);
      if (found.has(folder)) continue;
      found.set(folder, packages[folder]!);
      add(folder);
    }
  };
  add('');
  return found;
}

it('all that an installation brings has a permissive licence', () => {
  const others = [...installed()].filter(([, { license }]) => !PERMISSIVE.includes(license ?? ''));
  expect(others.map(([folder, { license }]) => `${folder}: ${license}`)).toEqual([]);
});

it('docs/releases.md lists the dependencies with their licences, and counts what they bring', () => {
  const page = read('docs/releases.md');
  const section = page.slice(page.indexOf('## What an installation brings'));
  const rows = [...section.matchAll(/^\| `([^`]+)` +\| (\S+) +\|/gm)].map(
    ([, name, license]) => `${name} ${license}`,
  );
  const names = Object.keys(packages['']!.dependencies!);
  expect(new Set(rows)).toEqual(
    new Set(names.map((name) => `${name} ${packages[folderOf(name, '')]!.license}`)),
  );
  expect(section).toContain(`it is ${installed().size} packages`);
});

/** Whether a range of `engines` has Node 20: `>=18`, `^20.19.0 || >=22.12.0`, `>= 0.6`, `*`. */
function includesNode20(range: string): boolean {
  return range.split('||').some((part) => {
    const [, operator = '', major] = /^\s*(>=|>|\^|~|)\s*v?(\d+)/.exec(part) ?? [];
    return major === undefined || (operator.startsWith('>') ? Number(major) <= 20 : major === '20');
  });
}

it('npm ci prints no engine warning on Node 20', () => {
  const others = Object.entries(packages).filter(
    ([, { engines, optional }]) => optional !== true && !includesNode20(engines?.node ?? '*'),
  );
  expect(others.map(([folder, { engines }]) => `${folder}: ${engines!.node}`)).toEqual([]);
});
