// Installs the servers that this package does not depend on, into this folder: node bench/peers/install.js
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Returns whether a package can be loaded from this folder. */
export function isInstalled(name) {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Installs the packages of package.json in this folder. @returns whether that worked */
export function install() {
  try {
    const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund'];
    execFileSync('npm', args, { cwd: import.meta.dirname, stdio: 'inherit' });
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = install() ? 0 : 1;
