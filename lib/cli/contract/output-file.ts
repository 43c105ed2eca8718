import { dirname, resolve } from 'node:path';
import { readIfExists, writeIfChanged } from '../../contract/types/write-if-changed.js';
import { usageError, type Arguments } from '../arguments.js';
import { EXIT } from '../exit-codes.js';
import type { Output } from '../output.js';
import type { Options } from '../signature.js';

/** The options of a command that writes a file which it makes of a contract. */
export const OUTPUT_FILE: Options = {
  out: { value: '<file>', short: 'o', text: 'the file to write, unless it is up to date' },
  check: { text: 'write nothing, and exit with 1 where the file differs, for CI' },
};

/** The file that a command writes; `undefined` if it prints. */
export interface OutputFile {
  readonly file: string;
  readonly isCheck: boolean;
}

/**
 * Reads the options of {@link OUTPUT_FILE}.
 *
 * @throws TypeError if they contradict each other, or name the contract itself
 */
export function readOutputFile(args: Arguments): OutputFile | undefined {
  const file = args.text('out');
  const isCheck = args.flag('check');
  if (file === undefined) {
    if (isCheck) throw usageError('--check compares a file, and --out is missing');
    return undefined;
  }
  const [source = ''] = args.positionals;
  if (file === '') throw usageError('--out is empty: it takes the name of a file');
  if (resolve(file) === resolve(source)) throw usageError('--out is the contract itself');
  return { file, isCheck };
}

/**
 * Writes the file or, with `--check`, compares it.
 *
 * @returns the exit code
 * @throws (rejects) TypeError if its folder does not exist
 */
export async function writeOrCheck(
  { file, isCheck }: OutputFile,
  text: string,
  output: Output,
): Promise<number> {
  if (isCheck) {
    const before = await readIfExists(file);
    if (before === text) return tell(output, 'unchanged', file, `${file} is up to date`);
    output.failure(`${file} ${before === undefined ? 'does not exist' : 'differs from the contract'}`, {
      file,
    });
    output.note('The same command without --check writes it.');
    return EXIT.failed;
  }
  try {
    const isWritten = await writeIfChanged(file, text);
    return isWritten
      ? tell(output, 'written', file, `wrote ${file}`)
      : tell(output, 'unchanged', file, `${file} is up to date`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw usageError(`--out is ${JSON.stringify(file)}: the folder ${dirname(resolve(file))} does not exist`);
  }
}

function tell(output: Output, type: 'written' | 'unchanged', file: string, note: string): number {
  if (output.isJson) output.json({ type, file });
  else output.note(note);
  return EXIT.ok;
}
