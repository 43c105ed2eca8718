import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../protocol/refuse.js';
import { withCode } from '../protocol/with-code.js';
import { parseDuration } from './parse-duration.js';
import type { Options, Signature } from './signature.js';

/** The options that every command has. */
export const GENERAL: Options = {
  json: { text: 'print one JSON object a line, for scripts' },
  help: { short: 'h', text: 'print this help' },
};

/** The arguments of one command. Its methods check a value and name the argument in their errors. */
export class Arguments {
  constructor(
    readonly positionals: readonly string[],
    private readonly values: Readonly<Record<string, unknown>>,
  ) {}

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    return this.values[name] as string | undefined;
  }

  /** The values of an option that can be given several times. */
  list(name: string): readonly string[] {
    return (this.values[name] as readonly string[] | undefined) ?? [];
  }

  /**
   * Returns a number of milliseconds. The user writes `500`, `500ms`, `2s`, `1.5m` or `1h`.
   *
   * @throws TypeError that names the option and what it takes
   */
  duration<Default extends number | undefined>(name: string, fallback: Default): number | Default {
    const text = this.text(name);
    if (text === undefined) return fallback;
    return parseDuration(text) ?? fail(invalid(name, text, 'a time such as 500ms, 10s or 2m'));
  }

  /**
   * Returns a number above 0.
   *
   * @throws TypeError that names the option and what it takes
   */
  positive<Default extends number | undefined>(name: string, fallback: Default): number | Default {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
    if (value <= 0) throw invalid(name, text, 'a number above 0');
    return value;
  }

  /**
   * Returns a whole number from 1 on.
   *
   * @throws TypeError that names the option and what it takes
   */
  count<Default extends number | undefined>(name: string, fallback: Default): number | Default {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (value < 1 || !Number.isSafeInteger(value)) throw invalid(name, text, 'a whole number from 1 on');
    return value;
  }

  /**
   * Returns one of several words.
   *
   * @throws TypeError that names the option and suggests the nearest word
   */
  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw invalid(name, text, `one of ${choices.join(', ')}`);
    return found;
  }
}

function fail(error: Error): never {
  throw error;
}

/** @returns an error for a malformed value of an option */
export function invalid(name: string, value: string, takes: string): TypeError {
  return withCode(
    'ERR_ENVELOPE_INVALID_OPTION',
    new TypeError(`--${name} is ${JSON.stringify(value)}: it takes ${takes}`),
  );
}

/** @returns an error for a wrong command line */
export function usageError(message: string): TypeError {
  return withCode('ERR_ENVELOPE_INVALID_ARGUMENT', new TypeError(message));
}

/** The options of a command, with those that every command has. */
function optionsOf(signature: Signature): Options {
  return Object.assign({}, ...Object.values(signature.options), GENERAL) as Options;
}

/**
 * Reads the arguments of a command.
 *
 * @throws TypeError that names an unknown option and suggests the nearest, or names a missing or superfluous argument
 */
export function readArguments(signature: Signature, argv: readonly string[]): Arguments {
  const options = optionsOf(signature);
  const config: ParseArgsConfig['options'] = {};
  for (const [name, { value, multiple = false, short }] of Object.entries(options))
    config[name] = { type: value === undefined ? 'boolean' : 'string', multiple, ...(short && { short }) };
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: config,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) if (token.kind === 'option') checkOption(token, options);
  const args = new Arguments(positionals, values);
  if (!args.flag('help')) checkPositionals(signature, positionals);
  return args;
}

/** Checks what `parseArgs` checks in its strict mode, whose errors suggest no name. */
function checkOption(
  { name, rawName, value }: { name: string; rawName: string; value?: string | undefined },
  options: Options,
): void {
  const option = Object.hasOwn(options, name) ? options[name]! : undefined;
  if (option === undefined) {
    const near = nearest(name, Object.keys(options));
    throw usageError(`unknown option ${rawName}${near === undefined ? '' : `. Did you mean --${near}?`}`);
  }
  if (option.value === undefined && value !== undefined)
    throw usageError(`${rawName} takes no value, but got ${JSON.stringify(value)}`);
  if (option.value !== undefined && value === undefined)
    throw usageError(`${rawName} needs a value: ${rawName} ${option.value}`);
}

function checkPositionals({ usage }: Signature, positionals: readonly string[]): void {
  const names = usage.match(/<[^>]+>|\[[^\]]+\]/g) ?? [];
  const missing = names.filter((name) => name.startsWith('<'))[positionals.length];
  if (missing !== undefined) throw usageError(`${missing} is missing`);
  const isOpen = names.at(-1)?.endsWith('...]') === true;
  if (!isOpen && positionals.length > names.length)
    throw usageError(`unexpected argument ${JSON.stringify(positionals[names.length])}`);
}
