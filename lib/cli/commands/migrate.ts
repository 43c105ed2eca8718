import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { loadCompiler } from '../../codemod/compiler.js';
import { guideFor, type Finding } from '../../codemod/guide.js';
import { migrate, type Change, type Migration } from '../../codemod/migrate.js';
import type { Command, Context } from '../command.js';
import { EXIT } from '../exit-codes.js';
import { lineChanges } from '../migration/line-changes.js';
import { readProject } from '../migration/project-files.js';
import type { Output } from '../output.js';

/** Moves the code of a project from Socket.IO, or from `WsAdapter`, to this package. */
export const command: Command = {
  usage: '[folder]',
  text: [
    'Moves a Nest application from Socket.IO (IoAdapter) or WsAdapter to nestjs-envelope: imports, types, subclasses of',
    'IoAdapter, options of gateways, and main.ts. It prints the changes, and what it leaves to you; nothing is written',
    'without --write. The code between the changes stays as it is. Default of [folder]: the current one.',
  ].join('\n'),
  options: {
    Migration: { write: { text: 'write the changes to the files' } },
  },
  examples: ['migrate', 'migrate --write', 'migrate ../server --json'],
  run,
};

async function run({ args, output }: Context): Promise<number> {
  const [folder = '.'] = args.positionals;
  const root = resolve(folder);
  const { files, dependencies } = await readProject(root);
  const migration = migrate(loadCompiler(root), files, new Set(Object.keys(dependencies)));
  const isWritten = args.flag('write');
  const major = majorOf(dependencies);
  if (major !== undefined && major < 11)
    output.note(['yellow', `This project has NestJS ${major}: update it to 11 or 12 first.`]);
  if (isWritten) for (const { file, after } of migration.changes) await writeFile(join(root, file), after);
  const install = installCommand(migration, dependencies);
  if (output.isJson) {
    for (const change of migration.changes)
      output.json({ type: 'change', file: change.file, lines: linesOf(change), isWritten });
    for (const finding of migration.findings) output.json({ type: 'left', ...finding });
    if (install !== undefined) output.json({ type: 'install', command: install });
  } else print(output, migration, isWritten, install);
  return EXIT.ok;
}

function print(
  output: Output,
  { changes, findings, isSocketIo }: Migration,
  isWritten: boolean,
  install: string | undefined,
): void {
  if (!isWritten) for (const change of changes) printChange(output, change);
  else for (const { file } of changes) output.print(['bold', file], ' changed');
  if (findings.length > 0) {
    output.print(['bold', 'Left to you'], ' (the pages are in node_modules/nestjs-envelope):');
    for (const finding of findings) printFinding(output, finding);
    output.print('');
  }
  if (install !== undefined) output.print(['bold', 'Install: '], install);
  if (changes.length === 0)
    output.note(findings.length === 0 ? 'There is nothing to change.' : 'There is nothing else to change.');
  else if (!isWritten)
    output.note(`Nothing is written yet: add --write to change ${count(changes.length, 'file')}.`);
  else output.note(`Now compile, run your tests, and read ${guideFor(isSocketIo)} before you deploy.`);
}

function printChange(output: Output, change: Change): void {
  output.print(['bold', change.file]);
  for (const { sign, line, text } of linesOf(change))
    output.print(['dim', String(line).padStart(5)], ' ', [sign === '-' ? 'red' : 'green', `${sign} ${text}`]);
  output.print('');
}

function printFinding(output: Output, { file, line, reason, section }: Finding): void {
  output.print(`  ${file}:${line}  ${reason}`);
  output.print('      ', ['dim', section]);
}

function linesOf({ before, after }: Change): ReturnType<typeof lineChanges> {
  return lineChanges(before, after);
}

/** Returns the command that installs what the changed application needs and `package.json` does not have. */
function installCommand(
  { changes, isSocketIo }: Migration,
  dependencies: Readonly<Record<string, string>>,
): string | undefined {
  if (changes.length === 0) return undefined;
  const major = majorOf(dependencies);
  const nest = major === undefined ? '' : `@${major}`;
  const packages = { 'nestjs-envelope': '', '@nestjs/websockets': nest, '@nestjs/platform-ws': nest };
  const all = isSocketIo ? { ...packages, 'engine.io': '', 'socket.io-parser': '' } : packages;
  const missing = Object.entries(all).filter(([name]) => dependencies[name] === undefined);
  return missing.length === 0 ? undefined : `npm install ${missing.map((parts) => parts.join('')).join(' ')}`;
}

function majorOf(dependencies: Readonly<Record<string, string>>): number | undefined {
  return Number(/\d+/.exec(dependencies['@nestjs/core'] ?? '')?.[0]) || undefined;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
