import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { loadCompiler } from '../../lib/codemod/compiler.js';
import { changedBy, filesBefore, migrateFiles } from './project.js';

const MODULES = join(process.cwd(), 'node_modules');
/** A TypeScript with a compiler API that a tool of this repository has. */
const TYPESCRIPT_5 = join(MODULES, '@arethetypeswrong/core/node_modules/typescript');

describe('loadCompiler', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'compiler-'));
    writeFileSync(join(root, 'package.json'), '{}');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const install = (name: string, target: string): void => {
    mkdirSync(dirname(join(root, 'node_modules', name)), { recursive: true });
    symlinkSync(target, join(root, 'node_modules', name));
  };

  it("takes the project's own typescript, which makes the same changes", () => {
    install('typescript', TYPESCRIPT_5);
    const compiler = loadCompiler(root);
    expect(compiler.version).toMatch(/^5\./);
    const before = filesBefore('redis');
    expect(changedBy(migrateFiles(before, compiler))).toEqual(changedBy(migrateFiles(before)));
  });

  it('takes that of the Nest CLI where the project has TypeScript 7, which has no compiler API', () => {
    install('typescript', join(MODULES, 'typescript'));
    mkdirSync(join(root, 'node_modules/@nestjs/cli/node_modules'), { recursive: true });
    writeFileSync(join(root, 'node_modules/@nestjs/cli/package.json'), '{}');
    install('@nestjs/cli/node_modules/typescript', TYPESCRIPT_5);
    expect(loadCompiler(root).version).toMatch(/^5\./);
  });

  it('takes the one inside of ts-morph', () => {
    install('typescript', join(MODULES, 'typescript'));
    install('ts-morph', join(MODULES, 'ts-morph'));
    expect(typeof loadCompiler(root).createSourceFile).toBe('function');
  });

  it('says what to install where there is none', () => {
    install('typescript', join(MODULES, 'typescript'));
    expect(() => loadCompiler(root)).toThrow(
      expect.objectContaining({
        code: 'ERR_ENVELOPE_MISSING_PEER',
        message: `nestjs-envelope: no compiler API to read TypeScript with in ${root}. TypeScript 7 exports none. Run: npm install --save-dev ts-morph`,
      }),
    );
  });
});
