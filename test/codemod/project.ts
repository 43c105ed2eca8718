import { join } from 'node:path';
import process from 'node:process';
import { loadCompiler, type Compiler } from '../../lib/codemod/compiler.js';
import { migrate, type Migration } from '../../lib/codemod/migrate.js';
import { readFiles, type Files } from '../support/projects.js';

const PROJECTS = join(process.cwd(), 'test/codemod/projects');

export const folderOf = (name: string): string => join(PROJECTS, name);
export const filesBefore = (name: string): Files => readFiles(join(folderOf(name), 'before'));

/** Runs the codemod on files, of which `package.json` names the packages. */
export function migrateFiles(files: Files, compiler: Compiler = loadCompiler(process.cwd())): Migration {
  const code = new Map(Object.entries(files).filter(([path]) => path.endsWith('.ts')));
  const { dependencies = {} } = JSON.parse(files['package.json'] ?? '{}') as {
    dependencies?: Record<string, string>;
  };
  return migrate(compiler, code, new Set(Object.keys(dependencies)));
}

/** The files that the codemod changes. */
export const changedBy = ({ changes }: Migration): Files =>
  Object.fromEntries(changes.map(({ file, after }) => [file, after]));

/** A whole project, changed. */
export function filesAfter(name: string): Files {
  const before = filesBefore(name);
  return { ...before, ...changedBy(migrateFiles(before)) };
}
