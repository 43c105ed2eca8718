import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import process from 'node:process';

/** The text of files by their path. */
export type Files = Record<string, string>;

/** Reads all files below a folder; none if it does not exist. */
export function readFiles(folder: string): Files {
  if (!existsSync(folder)) return {};
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  return Object.fromEntries(
    paths.sort().map((path) => [path.split(sep).join('/'), readFileSync(join(folder, path), 'utf8')]),
  );
}

/** Writes files below a folder, which is emptied before. */
export function writeFiles(folder: string, files: Files): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Returns the files that differ from those before. */
export function changedFiles(before: Files, after: Files): Files {
  return Object.fromEntries(Object.entries(after).filter(([path, text]) => before[path] !== text));
}

/** Compares files with those in a folder. With `UPDATE_GOLDENS=1` it writes them there instead. */
export function expectGolden(folder: string, files: Files): void {
  if (process.env.UPDATE_GOLDENS === '1') writeFiles(folder, files);
  expect(files).toEqual(readFiles(folder));
}
