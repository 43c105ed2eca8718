import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

const ROOT = process.cwd();
/** Files that the examples leave to their readers, such as a module, a guard or a DTO, in the folder of the program. */
const GIVEN = join(ROOT, 'test/documentation/given');

/** A fenced block of TypeScript. */
export interface Block {
  document: string;
  /** The line of its fence, from 1. */
  line: number;
  code: string;
  /** The folder that it shares with the blocks of the same program. */
  program: string;
  /** The file name in that folder. */
  file: string;
  /** The reason why it is only compiled, and not run. */
  notRun?: string;
}

/** Returns the paths of the documents with code for users. */
export function documents(): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
  const samples = below('sample').map((folder) => `${folder}/README.md`);
  return ['README.md', 'PROTOCOL.md', 'SECURITY.md', ...below('docs'), ...samples].filter(
    (path) => path.endsWith('.md') && existsSync(join(ROOT, path)),
  );
}

// <!-- file: quick-start/main.ts --> or <!-- file: cores/main.ts; not run: it starts processes -->
const FILE_COMMENT =
  /^<!-- file: (?<program>[\w-]+)\/(?<file>[\w.-]+\.tsx?)(?:; not run: (?<notRun>.+))? -->$/;

/**
 * Returns the TypeScript blocks of a document. A comment above a block, `<!-- file: program/name.ts -->`, makes
 * it a file of a program that several blocks form. A block without one is a program by itself.
 */
export function blocksOf(document: string): Block[] {
  const lines = readFileSync(join(ROOT, document), 'utf8').split('\n');
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index++) {
    const fence = /^```(\w*)/.exec(lines[index]!);
    if (fence === null) continue;
    const end = lines.indexOf('```', index + 1);
    const line = index + 1;
    // formatters insert an empty line between the comment and the block
    const above =
      lines
        .slice(0, index)
        .filter((text) => text !== '')
        .at(-1) ?? '';
    const mark = FILE_COMMENT.exec(above)?.groups;
    if (mark === undefined && above.startsWith('<!-- file:'))
      throw new Error(`${document}: unreadable mark: ${above}`);
    index = end;
    if (!/^(tsx?|typescript)$/.test(fence[1]!)) continue;
    const name = document.replace(/\W+/g, '-').toLowerCase();
    blocks.push({
      document,
      line,
      code: lines.slice(line, end).join('\n'),
      program: mark?.program ?? `${name}-${line}`,
      file: mark?.file ?? 'index.ts',
      ...(mark?.notRun !== undefined && { notRun: mark.notRun }),
    });
  }
  return blocks;
}

/**
 * Writes all blocks below a folder, one folder for each program, beside its given files. A line of code has the same
 * number as in its document, so that a compiler's message leads there.
 */
export function writeBlocks(folder: string): Block[] {
  rmSync(folder, { recursive: true, force: true });
  const blocks = documents().flatMap(blocksOf);
  for (const program of readdirSync(GIVEN))
    cpSync(join(GIVEN, program), join(folder, program), { recursive: true });
  for (const { program, file, code, line } of blocks) {
    const path = join(folder, program, file);
    if (existsSync(path)) throw new Error(`Two blocks, or a block and a given file, are ${program}/${file}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '\n'.repeat(line) + code + '\n');
  }
  return blocks;
}
