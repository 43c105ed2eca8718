import { GENERAL } from './arguments.js';
import type { Command } from './command.js';
import { COMMANDS } from './commands.js';
import type { Style } from './output.js';
import type { Options } from './signature.js';

const NAME = 'nestjs-envelope';

/** The list of commands. */
export function overview(style: Style): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]): Row => [name, summary]);
  return [
    `${style('bold', 'Usage:')} ${NAME} <command> [options]`,
    '',
    style('bold', 'Commands:'),
    ...table(rows),
    '',
    `${NAME} <command> --help prints the options of a command, ${NAME} --version the version.`,
    'Exit codes: 0 success; 1 the request or check failed; 2 wrong usage; 3 no connection, or it was lost; 130 interrupted.',
    '',
  ].join('\n');
}

/** The help of one command. */
export function helpOf(name: string, command: Command, style: Style): string {
  const groups = Object.entries({ ...command.options, General: GENERAL }).flatMap(([heading, options]) => [
    '',
    style('bold', `${heading}:`),
    ...table(rowsOf(options)),
  ]);
  const examples = command.examples.map((example) => `  npx ${NAME} ${example}`);
  return [
    `${style('bold', 'Usage:')} ${[NAME, name, command.usage, '[options]'].filter(Boolean).join(' ')}`,
    '',
    command.text,
    ...groups,
    ...(examples.length === 0 ? [] : ['', style('bold', 'Examples:'), ...examples]),
    '',
  ].join('\n');
}

type Row = readonly [left: string, right: string];

function rowsOf(options: Options): Row[] {
  return Object.entries(options).map(([name, { value, short, text }]) => {
    const value_ = value === undefined ? '' : ` ${value}`;
    return [`${short === undefined ? '' : `-${short}, `}--${name}${value_}`, text];
  });
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(
    ([left, right]) => `  ${left.padEnd(width)}  ${right.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`,
  );
}
