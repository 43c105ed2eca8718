import { nearest } from '../protocol/refuse.js';
import { readArguments, usageError } from './arguments.js';
import { COMMANDS } from './commands.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { helpOf, overview } from './help.js';
import type { Interruption } from './interruption.js';
import { Output, styleOf, type Stream } from './output.js';
import { version } from './version.js';

/** What a command line uses of its process. */
interface Environment {
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Aborts with an `Interruption` when the command should end. */
  readonly signal: AbortSignal;
}

/**
 * Runs one command line, without `node` and the script.
 *
 * @returns the exit code
 */
export async function run(argv: readonly string[], environment: Environment): Promise<number> {
  const { stdout, stderr } = environment;
  const [name, ...rest] = argv;
  const output = new Output(rest.includes('--json'), stdout, stderr);
  try {
    if (name === undefined) return printUsage(stderr, EXIT.usage);
    if (name === '--version' || name === '-v') {
      output.print(version());
      return EXIT.ok;
    }
    if (name === '--help' || name === '-h' || name === 'help') {
      const [about] = rest;
      return about === undefined
        ? printUsage(stdout, EXIT.ok)
        : await runCommand(about, ['--help'], output, environment);
    }
    return await runCommand(name, rest, output, environment);
  } catch (error) {
    return report(error, name, output);
  }
}

async function runCommand(
  name: string,
  argv: readonly string[],
  output: Output,
  { stdout, signal }: Environment,
): Promise<number> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw unknownCommand(name);
  const { command } = await entry.load();
  const args = readArguments(command, argv);
  if (args.flag('help')) {
    stdout.write(helpOf(name, command, styleOf(stdout)));
    return EXIT.ok;
  }
  try {
    return await command.run({ args, output, signal });
  } catch (error) {
    // the command did not finish because the user interrupted it
    if (signal.aborted) return (signal.reason as Interruption).exitCode;
    throw error;
  }
}

function unknownCommand(name: string): TypeError {
  const near = nearest(name, Object.keys(COMMANDS));
  const help =
    near === undefined ? `Valid commands: ${Object.keys(COMMANDS).join(', ')}` : `Did you mean "${near}"?`;
  return usageError(`unknown command ${JSON.stringify(name)}. ${help}`);
}

function report(error: unknown, name: string | undefined, output: Output): number {
  const exitCode = exitCodeOf(error);
  output.failure(error instanceof Error ? error.message : String(error), { exitCode });
  const isKnown = name !== undefined && Object.hasOwn(COMMANDS, name);
  if (exitCode === EXIT.usage)
    output.note(`nestjs-envelope ${isKnown ? `${name} ` : ''}--help shows what it takes.`);
  return exitCode;
}

function printUsage(stream: Stream, exitCode: number): number {
  stream.write(overview(styleOf(stream)));
  return exitCode;
}
