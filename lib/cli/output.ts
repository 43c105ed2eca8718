import * as util from 'node:util';
import { UNPRINTABLE } from '../server/util/printable.js';

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta';
/** A text, or one with a format. */
export type Part = string | readonly [format: Format, text: string];
/** Adds a format to a text, if the output shows formats. */
export type Style = (format: Format, text: string) => string;

/** The part of `process.stdout` and `process.stderr` that a command uses. */
export interface Stream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
  /** Knows `NO_COLOR`, `FORCE_COLOR` and `TERM`. Terminals alone have it. */
  hasColors?(): boolean;
}

/**
 * Prints for people or, with `--json`, for scripts. It escapes all that a terminal would interpret, so a server cannot control
 * the terminal of its client.
 */
export class Output {
  #isProgressShown = false;
  /** Runs around each write to the terminal: a prompt hides meanwhile. */
  around: (write: () => void) => void = (write) => write();

  constructor(
    readonly isJson: boolean,
    private readonly out: Stream,
    private readonly err: Stream,
  ) {}

  /** Whether a person reads the output as it is printed. */
  get isTerminal(): boolean {
    return this.out.isTTY === true;
  }

  /** Prints one line of the result. */
  print(...parts: readonly Part[]): void {
    this.#clearProgress();
    this.around(() => this.out.write(`${render(parts, styleOf(this.out))}\n`));
  }

  /** Prints a value: as JSON on one line for scripts and pipes, on several lines for a terminal. */
  value(value: unknown): void {
    for (const line of toJson(value, this.isTerminal ? 2 : undefined).split('\n')) this.print(line);
  }

  /** Prints an object as JSON on one line. */
  json(fields: object): void {
    const texts = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${JSON.stringify(name)}:${toJson(value)}`);
    this.print(`{${texts.join(',')}}`);
  }

  /** Prints a line about the work, on stderr. Nothing with `--json`. */
  note(...parts: readonly Part[]): void {
    if (!this.isJson) this.#toErr(parts);
  }

  /** Prints why something failed: on stderr or, with `--json`, as an object on stdout. */
  failure(message: string, details: object = {}): void {
    if (this.isJson) this.json({ type: 'error', message, ...details });
    else this.#toErr([['red', 'error: '], message]);
  }

  /** Replaces the line that shows the progress, if a person sees it. */
  progress(...parts: readonly Part[]): void {
    if (this.isJson || this.err.isTTY !== true) return;
    this.#clearProgress();
    this.#isProgressShown = true;
    this.err.write(render(parts, styleOf(this.err)));
  }

  #toErr(parts: readonly Part[]): void {
    this.#clearProgress();
    this.around(() => this.err.write(`${render(parts, styleOf(this.err))}\n`));
  }

  #clearProgress(): void {
    if (this.#isProgressShown) this.err.write('\r\x1b[K');
    this.#isProgressShown = false;
  }
}

/** The style of a stream: plain where it is no terminal, or where the user wants no colours. */
export function styleOf(stream: Stream): Style {
  // Node has it from 20.12 on
  const { styleText } = util as { styleText?: typeof util.styleText };
  return stream.isTTY === true && stream.hasColors?.() === true && styleText !== undefined
    ? (format, text) => styleText(format, text)
    : (_format, text) => text;
}

/**
 * Writes a value as JSON; `undefined` as `null`. A server may send data that is nested too deeply for `JSON.stringify`: an error takes
 * its place.
 */
export function toJson(value: unknown, indentation?: number): string {
  try {
    return JSON.stringify(value, null, indentation) ?? 'null';
  } catch (error) {
    return JSON.stringify(`not shown: ${String(error)}`);
  }
}

/** Escapes what a terminal would interpret. The escapes are those of JSON, so that JSON stays what it was. */
export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    // JSON.stringify leaves characters above U+001F as they are
    character < ' '
      ? JSON.stringify(character).slice(1, -1)
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function render(parts: readonly Part[], style: Style): string {
  return parts
    .filter((part) => typeof part === 'string' || part[1] !== '')
    .map((part) => (typeof part === 'string' ? escapeText(part) : style(part[0], escapeText(part[1]))))
    .join('');
}
