// Builds another commit of this repository in a temporary folder.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');

/**
 * Checks out and builds a commit. The folder is removed when this process exits.
 *
 * @param ref a Git reference
 * @returns the URL of the built index.js
 */
export function buildOf(ref) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const commit = git('rev-parse', `${ref}^{commit}`);
  const folder = join(mkdtempSync(join(tmpdir(), 'bench-')), commit.slice(0, 12));
  git('worktree', 'add', '--detach', folder, commit);
  process.once('exit', () => git('worktree', 'remove', '--force', folder));
  // with the dependencies of this tree: the comparison is about the code
  if (!existsSync(join(folder, 'node_modules')))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(folder, 'scripts/build.js')], { cwd: folder, stdio: 'ignore' });
  return pathToFileURL(join(folder, 'dist/esm/index.js')).href;
}
