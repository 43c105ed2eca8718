/** The maximum number of characters of one text in a log line. */
const MAX_LENGTH = 2_000;
/** The maximum number of characters of a stack in the log. */
const MAX_STACK_LENGTH = 20_000;
/** Matches the start of a frame in V8's stacks. */
const FRAME = /^ {4}at /;
/**
 * Characters that a log or a terminal must not get: control characters, which begin new lines and control terminals, separators
 * that some viewers show as line breaks, marks that change the direction of text, and lone surrogates.
 */
export const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * Escapes and shortens a text for the log, so that it stays on one line. Names, rooms and error messages may come from
 * a client: escaped, they can neither forge a log line nor control a terminal.
 */
export function printable(text: string): string {
  const shortened = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  return shortened.replace(UNPRINTABLE, escape);
}

/**
 * Returns the stack of an error for the log, with at most 20,000 characters of frames. Each frame keeps its line. The
 * message stays on one line, even if it looks like frames.
 */
export function printableStack({ stack, message }: Error): string | undefined {
  if (typeof stack !== 'string') return undefined;
  const start = typeof message === 'string' ? stack.indexOf(message) : -1;
  const end = start === -1 ? 0 : start + message.length;
  const [first, ...lines] = stack.slice(end, end + MAX_STACK_LENGTH).split('\n');
  const rest = lines.map((line) => (FRAME.test(line) ? '\n' : '\\n') + printable(line));
  return printable(stack.slice(0, end) + first!) + rest.join('');
}

/** Returns a text for a thrown value. Any value can be thrown, even one that cannot be converted to a string. */
export function describeThrown(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return `a value of type ${typeof error} that cannot be converted to a string`;
  }
}

function escape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
