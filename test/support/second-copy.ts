import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

declare const NEST_MAJOR: 11 | 12;

const ROOTS = { 11: 'test/nest-11/node_modules', 12: 'node_modules' };

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/**
 * Second copies of Nest packages, as in a monorepo or after `npm link`: the same code from another folder. They share
 * their dependencies with the first copies.
 */
export class SecondCopy {
  private constructor(private readonly folder: string) {}

  static async of(names: readonly string[]): Promise<SecondCopy> {
    const copy = new SecondCopy(await mkdtemp(join(tmpdir(), 'second-copy-')));
    for (const name of names) await copy.add(name);
    return copy;
  }

  load<Module>(name: string): Promise<Module> {
    return import(join(this.folder, 'node_modules', name, 'index.js')) as Promise<Module>;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async add(name: string): Promise<void> {
    const source = resolve(ROOTS[NEST_MAJOR], name);
    await cp(source, this.at(name), { recursive: true });
    const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as Manifest;
    for (const needed of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
      await this.share(needed);
  }

  /** Links a dependency. Skips absent optional ones, and packages that are copied already. */
  private async share(name: string): Promise<void> {
    for (const root of [ROOTS[NEST_MAJOR], ROOTS[12]]) {
      try {
        await readFile(join(root, name, 'package.json'));
      } catch {
        continue;
      }
      await mkdir(dirname(this.at(name)), { recursive: true });
      return symlink(resolve(root, name), this.at(name)).catch(() => undefined);
    }
  }

  private at(name: string): string {
    return join(this.folder, 'node_modules', name);
  }
}
