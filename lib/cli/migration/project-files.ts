import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usageError } from '../arguments.js';

/** Folders without code of the application. */
const IGNORED = /^(?:\..*|node_modules|dist|build|out|coverage)$/;
const CODE = /(?<!\.d)\.[cm]?ts$/;

/** The code and the packages of a project. */
interface Project {
  /** The text of all TypeScript files, by their path in the project, with forward slashes. */
  readonly files: ReadonlyMap<string, string>;
  /** The names and ranges of the packages in `package.json`. */
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Reads a project.
 *
 * @throws (rejects) TypeError if the folder has no `package.json`
 */
export async function readProject(root: string): Promise<Project> {
  const dependencies = await readDependencies(root);
  const files = new Map<string, string>();
  for (const path of await codeBelow(root, '')) files.set(path, await readFile(join(root, path), 'utf8'));
  return { files, dependencies };
}

async function readDependencies(root: string): Promise<Record<string, string>> {
  try {
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, object>;
    return { ...manifest.peerDependencies, ...manifest.devDependencies, ...manifest.dependencies };
  } catch (error) {
    throw usageError(
      `[folder] has to be the folder of a project, with a package.json: ${(error as Error).message}`,
    );
  }
}

async function codeBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const paths: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !IGNORED.test(entry.name)) paths.push(...(await codeBelow(root, path)));
    else if (entry.isFile() && CODE.test(entry.name)) paths.push(path);
  }
  return paths;
}
