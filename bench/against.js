// Another state of this repository, built in a folder of its own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');

/** @returns the address of its index.js */
export function buildOf(ref) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const commit = git('rev-parse', `${ref}^{commit}`);
  const folder = join(mkdtempSync(join(tmpdir(), 'bench-')), commit.slice(0, 12));
  git('worktree', 'add', '--detach', folder, commit);
  process.once('exit', () => git('worktree', 'remove', '--force', folder));
  // dependencies as they are here: what is compared is the code
  if (!existsSync(join(folder, 'node_modules')))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(folder, 'scripts/build.js')], { cwd: folder, stdio: 'ignore' });
  return pathToFileURL(join(folder, 'dist/esm/index.js')).href;
}
