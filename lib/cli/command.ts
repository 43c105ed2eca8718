import type { Arguments } from './arguments.js';
import type { Output } from './output.js';
import type { Signature } from './signature.js';

/** What a command gets. */
export interface Context {
  readonly args: Arguments;
  readonly output: Output;
  /** Aborts when the user interrupts the command, or when nobody reads its output any more. */
  readonly signal: AbortSignal;
}

/** A command, the export `command` of a file in `commands/`. */
export interface Command extends Signature {
  /** What the command does, in a few lines. */
  readonly text: string;
  /** Command lines, without `npx nestjs-envelope`. */
  readonly examples: readonly string[];
  /**
   * Runs the command.
   *
   * @returns the exit code
   * @throws (rejects) any error: its message is printed, and `exitCodeOf` chooses the exit code
   */
  run(context: Context): Promise<number>;
}
