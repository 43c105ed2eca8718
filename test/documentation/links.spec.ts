import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';

const ROOT = process.cwd();
const SKIPPED = new Set(['node_modules', 'dist', 'test', 'api']);

/** The Markdown files of the repository, apart from those of dependencies and tests. */
function pages(folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pages(path) : entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The lines of a page without its code blocks. */
const prose = (page: string): string => readFileSync(page, 'utf8').replace(/^```[^]*?^```$/gm, '');

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = [...prose(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, text]) =>
    text!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const named = [...readFileSync(page, 'utf8').matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id]) => id!);
  return new Set([...headings, ...named]);
}

it('every relative link of the documentation leads to a file, and its anchor to a heading', () => {
  const broken: string[] = [];
  let checked = 0;
  for (const page of pages()) {
    for (const [, target] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      checked += 1;
      const [path, anchor] = target!.split('#');
      const file = path === '' ? page : resolve(dirname(page), decodeURIComponent(path!));
      const found =
        existsSync(file) &&
        (anchor === undefined || statSync(file).isDirectory() || anchorsOf(file).has(anchor));
      if (!found) broken.push(`${relative(ROOT, page)}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
  expect(checked).toBeGreaterThan(100);
});

it('every page of docs/ is linked from another page', () => {
  const linked = new Set<string>();
  for (const page of pages())
    for (const [, target] of prose(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g))
      linked.add(resolve(dirname(page), target!));
  const docs = pages(join(ROOT, 'docs')).filter((page) => !linked.has(page));
  expect(docs.map((page) => relative(ROOT, page))).toEqual([]);
});

it('every page of docs/ is in the sidebar of the site', () => {
  const config = readFileSync(join(ROOT, 'site/.vitepress/config.ts'), 'utf8');
  const names = pages(join(ROOT, 'docs')).map((page) => relative(join(ROOT, 'docs'), page).slice(0, -3));
  expect(names.filter((name) => !config.includes(`, '${name.replace(/README$/, '')}']`))).toEqual([]);
});
