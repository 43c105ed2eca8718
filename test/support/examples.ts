import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const ROOT = process.cwd();
/** What examples use without showing it: an application, its classes and functions, and names of Nest and other packages. */
const GIVEN = join(ROOT, 'test/documentation/examples/given.ts');

/** The code of one `@example`. */
interface Example {
  /** The file of the doc comment, from `lib` on. */
  document: string;
  /** The line that the code begins on, from 1. */
  line: number;
  code: string;
}

/** A module that examples import names from. */
interface Source {
  specifier: string;
  names: ReadonlySet<string>;
}

/**
 * Writes each example of the doc comments in `lib` as a module of its own. It imports the names that it uses: those of the
 * entry of its folder first, then those of the package itself, and of the other entries. The code has the same line number as in
 * `lib`. @returns the number of examples
 */
export function writeExamples(folder: string): number {
  const sources = entrySources();
  const given = { specifier: GIVEN.replace(/\.ts$/, '.js'), names: exportedNames(GIVEN) };
  const examples = below('lib').flatMap(examplesOf);
  for (const { document, line, code } of examples) {
    const path = join(folder, `${document.replace(/\.ts$/, '')}-${line}.tsx`);
    const [, part] = document.split('/');
    const isOwn = ({ specifier }: Source): boolean => specifier.split('/')[1] === part;
    const ordered = [...sources.filter(isOwn), ...sources.filter((source) => !isOwn(source)), given];
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, importsOf(code, ordered) + '\n'.repeat(line - 1) + asModule(code));
  }
  return examples.length;
}

function below(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`);
}

const COMMENT = /\/\*\*.*?\*\//gs;
// to the next tag, at the beginning of a line
const EXAMPLE = /@example\b(.*?)(?=\n\s*\* @|\*\/)/gs;
const FENCE = /^\s*```\w*$/;

function examplesOf(document: string): Example[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const lineAt = (index: number): number => text.slice(0, index).split('\n').length;
  return [...text.matchAll(COMMENT)].flatMap((comment) =>
    // a tag within a fence is a decorator
    [...hideFences(comment[0]).matchAll(EXAMPLE)].map((example) => {
      const begin = comment.index + example.index;
      const end = begin + example[0].length;
      const lines = text
        .slice(begin + '@example'.length, end)
        .split('\n')
        .map((line, index) => (index === 0 ? line : line.replace(/^\s*\* ?/, '')))
        .map((line) => (FENCE.test(line) ? '' : line));
      return { document, line: lineAt(begin), code: lines.join('\n') };
    }),
  );
}

/** Replaces the text of fenced blocks, so that its length stays. */
function hideFences(comment: string): string {
  return comment.replace(/```.*?```/gs, (block) => block.replaceAll('@', '#'));
}

/** A method or a constructor becomes a member of a class; anything else is a module already. */
function asModule(code: string): string {
  const isMember = /^\s*@\w/.test(code) && !/^\s*(export )?(abstract )?class /m.test(code);
  return isMember ? `class Example extends Given {${code}\n}\n` : `${code}\nexport {};\n`;
}

function importsOf(code: string, sources: readonly Source[]): string {
  const used = new Set([...code.matchAll(/(?<![.\w$])[A-Za-z_$][\w$]*/g)].map(([name]) => name));
  used.add('Given');
  const missing = new Set([...used].filter((name) => !isDeclared(name, code)));
  const lines = sources.map(({ specifier, names }) => {
    const found = [...missing].filter((name) => names.has(name));
    for (const name of found) missing.delete(name);
    return found.length === 0 ? '' : `import { ${found.join(', ')} } from '${specifier}'; `;
  });
  return lines.join('');
}

/** Whether an example declares a name itself, by a statement or a pattern. */
function isDeclared(name: string, code: string): boolean {
  const declares = `(?:const|let|class|function|interface|type|import) (?:[\\[{][^=;\\]}]*?)?\\b${name}\\b`;
  return new RegExp(declares).test(code);
}

/** Returns the exports of each entry: the package itself first. */
function entrySources(): Source[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object };
  return Object.entries(exports).flatMap(([path, target]) => {
    const types: unknown = Object(Object(target).import).types;
    if (typeof types !== 'string') return [];
    const source = types.replace('./dist/esm/', 'lib/').replace('.d.ts', '.ts');
    return [{ specifier: join('nestjs-envelope', path), names: exportedNames(join(ROOT, source)) }];
  });
}

const DECLARATION =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:class|const|function|interface|type) (\w+)/gm;
const LIST = /^export (?:type |const )?\{([^}]*)\}/gm;
const ALL = /^export \* from '(\..*)\.js'/gm;

function exportedNames(file: string): Set<string> {
  const text = readFileSync(file, 'utf8');
  const lists = [...text.matchAll(LIST)].flatMap(([, list]) => list!.split(','));
  return new Set([
    ...[...text.matchAll(DECLARATION)].map(([, name]) => name!),
    ...lists.map((item) =>
      item
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    ),
    ...[...text.matchAll(ALL)].flatMap(([, path]) => [...exportedNames(join(dirname(file), `${path}.ts`))]),
  ]);
}
