import process from 'node:process';
import { addAdapter, ADAPTER_CALL } from './add-adapter.js';
import { readText, type Rule, type SchematicContext, type Tree } from '../devkit.js';
import { PackageJson } from '../package-json.js';
import { findLayout, packageManagerOf, sourceFiles, type Layout, type Location } from '../project-layout.js';
import { loadCompiler } from '../../codemod/compiler.js';

/** The options of the schematic: see `schema.json`. */
interface NestAddOptions extends Location {
  readonly skipInstall?: boolean;
}

/** The majors of NestJS that this package works with. */
const MAJORS: readonly (number | undefined)[] = [11, 12];

/** The peers that every application needs besides what `nest new` installs. */
const PEERS = ['@nestjs/websockets', '@nestjs/platform-ws'];

/**
 * The schematic of `nest add nestjs-envelope`: adds missing packages to `package.json`, and `EnvelopeAdapter` to `main.ts`.
 * What it cannot do without a guess it leaves to the user, and logs what to write where. A second run changes nothing.
 */
export function nestAdd(options: NestAddOptions = {}): Rule {
  return (tree, context) => {
    const manifest = PackageJson.read(tree);
    if (manifest === undefined)
      return context.logger.warn(
        'Nothing changed: this folder has no valid package.json. Run it in the folder of a Nest application.',
      );
    const major = manifest.majorOf('@nestjs/core');
    if (!MAJORS.includes(major))
      return context.logger.warn(
        `Nothing changed: nestjs-envelope needs @nestjs/core 11 or 12, and package.json has ${major ?? 'neither'}.`,
      );
    addPackages(tree, manifest, major!, context, options.skipInstall === true);
    const layout = findLayout(tree, options);
    if (!('main' in layout)) {
      const names = layout.length > 0 ? `Projects: ${layout.join(', ')}` : 'It has no projects';
      return context.logger.warn(
        `main.ts is unchanged: nest-cli.json has no project ${options.project}. ${names}.`,
      );
    }
    changeMain(tree, context, layout);
  };
}

function addPackages(
  tree: Tree,
  manifest: PackageJson,
  major: number,
  context: SchematicContext,
  skipInstall: boolean,
): void {
  const missing = PEERS.filter((name) => !manifest.has(name));
  if (!manifest.has('nestjs-envelope'))
    context.logger.warn('package.json does not have nestjs-envelope. Run: npm install nestjs-envelope');
  if (missing.length === 0) return;
  manifest.add(Object.fromEntries(missing.map((name) => [name, `^${major}.0.0`])));
  context.logger.info(`package.json: added ${missing.join(' and ')}`);
  if (!skipInstall) context.addTask({ toConfiguration: () => installWith(packageManagerOf(tree)) });
}

/** Returns the configuration of the devkit's `NodePackageInstallTask`. */
function installWith(packageManager: string): { name: string; options: object } {
  return {
    name: 'node-package',
    options: { command: 'install', quiet: true, hideOutput: true, packageManager },
  };
}

function changeMain(tree: Tree, context: SchematicContext, { main, sourceRoot }: Layout): void {
  const unchanged = (why: string): void =>
    context.logger.warn(
      `${main} is unchanged: ${why}.\n` +
        'Let the application use the adapter before it listens:\n\n' +
        "    import { EnvelopeAdapter } from 'nestjs-envelope';\n" +
        `    ${ADAPTER_CALL}\n`,
    );
  const text = readText(tree, main);
  if (text === undefined) return unchanged('it does not exist');
  let changed;
  try {
    changed = addAdapter(loadCompiler(process.cwd()), main, text);
  } catch (error) {
    return unchanged((error as Error).message);
  }
  if (changed === 'present') return context.logger.info(`${main} has EnvelopeAdapter already.`);
  const elsewhere = adapterElsewhere(tree, sourceRoot, main);
  if (elsewhere !== undefined) return unchanged(`${elsewhere} calls useWebSocketAdapter. Change it there`);
  if ('reason' in changed) return unchanged(`in line ${changed.line}, ${changed.reason}`);
  tree.overwrite(main, changed.text);
  context.logger.info(`${main}: added EnvelopeAdapter. Next: a gateway, with nest generate gateway.`);
  context.logger.info('Tests that create the application need the adapter as well: see docs/testing.md.');
}

/** Returns the file, other than the main one, that sets a WebSocket adapter already. */
function adapterElsewhere(tree: Tree, sourceRoot: string, main: string): string | undefined {
  return sourceFiles(tree, sourceRoot).find(
    (path) => path !== main && readText(tree, path)?.includes('.useWebSocketAdapter('),
  );
}
