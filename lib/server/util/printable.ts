/** Characters of a text that a log line shows at most. */
const MAX_LENGTH = 2_000;
const MAX_STACK_LENGTH = 20_000;
/** How V8 writes a frame of a stack. */
const FRAME = /^ {4}at /;
/**
 * Characters that a log must not contain: control characters, which begin new lines and drive terminals, separators that
 * some viewers take for new lines, marks that change the direction of text, and halves of characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * A text as it may stand in a log, in one line. Names, rooms and messages of errors may be what a client sent: what it
 * sent can neither forge a line nor reach a terminal.
 */
export function printable(text: string): string {
  const shown = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  return shown.replace(UNPRINTABLE, escape);
}

/**
 * The stack of an error, cut to a sane length. Its frames keep their lines; the message stays in one, also where it looks
 * like frames.
 */
export function printableStack({ stack, message }: Error): string | undefined {
  if (typeof stack !== 'string') return undefined;
  const start = typeof message === 'string' ? stack.indexOf(message) : -1;
  const end = start === -1 ? 0 : start + message.length;
  const [first, ...lines] = stack.slice(end, end + MAX_STACK_LENGTH).split('\n');
  const rest = lines.map((line) => (FRAME.test(line) ? '\n' : '\\n') + printable(line));
  return printable(stack.slice(0, end) + first!) + rest.join('');
}

/** What was thrown, as a text: anything can be thrown, also what has no text. */
export function describeThrown(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return `a value of type ${typeof error} that has no text`;
  }
}

function escape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  const code = character.charCodeAt(0);
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
