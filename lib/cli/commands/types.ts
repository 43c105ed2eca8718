import { setTimeout as delay } from 'node:timers/promises';
import { generateTypes } from '../../contract/types/generate-types.js';
import { readContract } from '../../contract/types/read-contract.js';
import { usageError } from '../arguments.js';
import type { Command, Context } from '../command.js';
import { OUTPUT_FILE, readOutputFile, writeOrCheck, type OutputFile } from '../contract/output-file.js';
import { checkSource, isSourceError, readSource } from '../contract/read-source.js';
import { EXIT } from '../exit-codes.js';

const DEFAULT_INTERVAL = 1_000;

/** Makes the TypeScript of a typed client from a contract. */
export const command: Command = {
  usage: '<contract>',
  text: [
    'Makes the types of a client from a contract: event maps, payloads, and functions that connect.',
    'The contract is a file that writeContract() wrote, the URL of an explorer, or - for standard input.',
    'Needs json-schema-to-typescript: npm install --save-dev json-schema-to-typescript',
  ].join('\n'),
  options: {
    Types: {
      ...OUTPUT_FILE,
      watch: { short: 'w', text: 'write the file again whenever the contract changes, until Ctrl-C' },
      interval: {
        value: '<time>',
        text: 'with --watch: how often the contract is read: 500ms, 1s (default)',
      },
    },
  },
  examples: [
    'types asyncapi.yaml --out web/src/events.ts',
    'types asyncapi.yaml --out web/src/events.ts --check',
    'types http://localhost:3000/ws-docs --out web/src/events.ts --watch',
  ],
  run,
};

async function run(context: Context): Promise<number> {
  const { args, output, signal } = context;
  const [source = ''] = args.positionals;
  checkSource(source);
  const file = readOutputFile(args);
  const interval = args.duration('interval', undefined);
  if (!args.flag('watch')) {
    if (interval !== undefined) throw usageError('--interval is for --watch');
    return make(context, await readSource(source, signal), source, file);
  }
  if (file === undefined) throw usageError('--watch writes a file, and --out is missing');
  if (file.isCheck) throw usageError('--watch and --check exclude each other');
  if (source === '-')
    throw usageError('--watch reads the contract again, which standard input does not allow');
  output.note(`watching ${source}`);
  return watch(context, source, file, Math.max(interval ?? DEFAULT_INTERVAL, 1));
}

async function make(
  { output }: Context,
  text: string,
  source: string,
  file: OutputFile | undefined,
): Promise<number> {
  const types = await generateTypes(readContract(text, source), 'types');
  for (const schema of types.refused) {
    const message = `json-schema-to-typescript refuses ${schema}. Its type is unknown`;
    if (output.isJson) output.json({ type: 'warning', message });
    else output.note(['yellow', 'warning: '], message);
  }
  if (file !== undefined) return writeOrCheck(file, types.text, output);
  if (output.isJson) output.json({ type: 'types', text: types.text });
  else for (const line of types.text.trimEnd().split('\n')) output.print(line);
  return EXIT.ok;
}

/** Makes the file at the start, and after each change. An application that restarts is no reason to end. */
async function watch(context: Context, source: string, file: OutputFile, interval: number): Promise<never> {
  const { output, signal } = context;
  let last: string | undefined;
  let problem: string | undefined;
  for (;;) {
    try {
      const text = await readSource(source, signal);
      if (text !== last) await make(context, text, source, file);
      else if (problem !== undefined) output.note(`read ${source} again: no change`);
      last = text;
      problem = undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (!isTemporary(error)) throw error;
      // once, not on each attempt
      if (error.message !== problem) output.failure(error.message);
      problem = error.message;
    }
    await delay(interval, undefined, { signal });
  }
}

/** Whether the contract may be there at the next attempt: its application restarts, or another tool writes the file. */
function isTemporary(error: unknown): error is Error {
  const { code } = Object(error) as { code?: unknown };
  return isSourceError(error) || code === 'ERR_ENVELOPE_INVALID_CONTRACT';
}
