import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { Tree } from '@angular-devkit/schematics';
import { SchematicTestRunner } from '@angular-devkit/schematics/testing/index.js';
import { build } from 'esbuild';
import type { Files } from '../support/projects.js';

const SOURCES = join(process.cwd(), 'lib/schematics');

interface Collection {
  schematics: Record<string, { factory: string; schema: string }>;
}

export interface Outcome {
  files: Files;
  /** What the user reads, in order. */
  log: string[];
  /** The package managers that install. */
  installs: unknown[];
}

/** Runs the schematics of `lib/`, compiled to CommonJS as in the package, because the devkit loads them with `require()`. */
export class Schematics {
  private constructor(private readonly folder: string) {}

  static async compile(): Promise<Schematics> {
    const folder = mkdtempSync(join(tmpdir(), 'schematics-'));
    const collection = readFileSync(join(SOURCES, 'collection.json'), 'utf8');
    writeFileSync(join(folder, 'collection.json'), collection);
    for (const { factory, schema } of Object.values((JSON.parse(collection) as Collection).schematics)) {
      const [file] = factory.split('#');
      await build({
        entryPoints: [join(SOURCES, `${file}.ts`)],
        outfile: join(folder, `${file}.js`),
        bundle: true,
        platform: 'node',
        format: 'cjs',
        logLevel: 'error',
      });
      writeFileSync(join(folder, dirname(schema), 'schema.json'), readFileSync(join(SOURCES, schema)));
    }
    return new Schematics(folder);
  }

  async run(name: string, options: object, files: Files): Promise<Outcome> {
    const runner = new SchematicTestRunner('nestjs-envelope', join(this.folder, 'collection.json'));
    const log: string[] = [];
    runner.logger.subscribe(({ message }) => log.push(message));
    const before = Tree.empty();
    for (const [path, text] of Object.entries(files)) before.create(path, text);
    const tree = await runner.runSchematic(name, options, before);
    return {
      files: Object.fromEntries(tree.files.map((path) => [path.slice(1), tree.readText(path)])),
      log,
      installs: runner.tasks.map(({ options: task }) => (task as { packageManager: unknown }).packageManager),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
