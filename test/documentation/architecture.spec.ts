import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = process.cwd();
const LIB = join(ROOT, 'lib');

describe('docs/architecture.md', () => {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

  it('names only files and folders that exist', () => {
    const names = [...text.matchAll(/`((?:server|nest|protocol|client|test)\/[\w./-]+)`/g)].map(
      ([, name]) => name!,
    );
    expect(names.length).toBeGreaterThan(40);
    const missing = names.filter((name) => {
      const path = join(name.startsWith('test/') ? ROOT : LIB, name);
      return !existsSync(path) && !existsSync(`${path}.ts`);
    });
    expect(missing).toEqual([]);
  });

  it('names only classes, functions and members that the code has', () => {
    const source = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(LIB, file), 'utf8'))
      .join('\n');
    const words = [...text.matchAll(/`([A-Z_]\w+(?:\.\w+)*)`/g)].flatMap(([, name]) => name!.split('.'));
    expect(words.length).toBeGreaterThan(20);
    expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(source))).toEqual([]);
  });
});
