import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { writeBlocks, type Block } from '../support/documentation.js';
import { writeExamples } from '../support/examples.js';

const ROOT = process.cwd();

let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'documentation-'));
  // Not linked into the projects, because linters would read it.
  symlinkSync(join(ROOT, 'node_modules'), join(parent, 'node_modules'));
});

const KINDS = {
  // An ES module that imports Nest 12.
  'nest-12': { type: 'module', module: 'nodenext', moduleResolution: 'nodenext', paths: {} },
  // CommonJS, in which modules have no top-level await, with Nest 11.
  'nest-11': {
    type: 'commonjs',
    module: 'commonjs',
    // nodenext does not search the folders of `paths`.
    moduleResolution: 'bundler',
    paths: { '@nestjs/*': ['test/nest-11/node_modules/@nestjs/*', 'node_modules/@nestjs/*'] },
  },
};

/**
 * Writes all blocks as a project of that kind outside this repository, because linters ignore files that Git ignores.
 * The imports of the blocks resolve to this repository.
 */
function write(kind: keyof typeof KINDS): { folder: string; blocks: Block[] } {
  const folder = join(parent, kind);
  const blocks = writeBlocks(folder);
  configure(folder, kind);
  return { folder, blocks };
}

/** Writes the settings of such a project. */
function configure(folder: string, kind: keyof typeof KINDS, options: object = {}): void {
  const { type, paths, ...compiler } = KINDS[kind];
  const all: Record<string, string[]> = {
    'nestjs-envelope': ['lib/index.ts'],
    'nestjs-envelope/client/history': ['lib/client/history.ts'],
    'nestjs-envelope/client/http': ['lib/client/http.ts'],
    'nestjs-envelope/client/msgpack': ['lib/client/msgpack.ts'],
    'nestjs-envelope/client/presence': ['lib/client/presence.ts'],
    'nestjs-envelope/client/reliable': ['lib/client/reliable.ts'],
    'nestjs-envelope/client/indexed-db': ['lib/client/indexed-db.ts'],
    'nestjs-envelope/socket.io': ['lib/socketio/index.ts'],
    'nestjs-envelope/*': ['lib/*/index.ts'],
    ...paths,
  };
  const resolved = Object.entries(all).map(([name, targets]) => [
    name,
    targets.map((path) => join(ROOT, path)),
  ]);
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { ...compiler, ...options, paths: Object.fromEntries(resolved) as object },
    include: ['.'],
    exclude: [],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
}

/** Runs a tool in a folder of blocks. Resolves with its output lines. */
function run(folder: string, tool: string, ...args: string[]): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(ROOT, 'node_modules', tool), ...args],
      { cwd: folder },
      (_error, stdout, stderr) => resolve((stdout + stderr).split('\n').filter((line) => line !== '')),
    );
  });
}

/** Adds the document of its block to a message. The line number is that of the document already. */
function inDocument(message: string, blocks: readonly Block[]): string {
  const block = blocks.find(({ program, file }) => message.startsWith(`${program}/${file}`));
  return block === undefined ? message : `${block.document}, ${message}`;
}

afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe('the TypeScript of the documents', () => {
  it.each(['nest-12', 'nest-11'] as const)('compiles as printed with %s', async (kind) => {
    const { folder, blocks } = write(kind);
    const messages = await run(folder, 'typescript/bin/tsc', '-p', '.', '--pretty', 'false');
    expect(messages.map((message) => inDocument(message, blocks))).toEqual([]);
  });

  it('passes the linter of a new Nest project, which rejects floating promises', async () => {
    const { folder, blocks } = write('nest-12');
    writeFileSync(join(folder, 'planted.ts'), 'Promise.resolve();\n');
    const rule = [
      '--type-aware',
      '-A',
      'all',
      '-D',
      'typescript/no-floating-promises',
      '-D',
      'typescript/no-misused-promises',
    ];
    const messages = await run(folder, 'oxlint/bin/oxlint', '--format', 'unix', ...rule, '.');
    // The first message proves that the linter read the project.
    expect(messages.map((message) => inDocument(message, blocks))).toEqual([
      expect.stringMatching(/^planted\.ts:1:1: .*must be awaited/),
      '1 problem',
    ]);
  });
});

describe('the examples of the doc comments', () => {
  it('compile', async () => {
    const folder = join(parent, 'examples');
    expect(writeExamples(folder)).toBeGreaterThan(80);
    const lib = ['es2022', 'dom', 'esnext.disposable'];
    configure(folder, 'nest-12', { lib, emitDecoratorMetadata: false });
    // the name of a file is that of the source, and the line of its example
    expect(await run(folder, 'typescript/bin/tsc', '-p', '.', '--pretty', 'false')).toEqual([]);
  });
});
