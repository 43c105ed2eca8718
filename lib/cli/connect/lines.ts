import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline';
import { escapeText, type Output } from '../output.js';
import { LINES } from './session.js';

/** Lines that a person or a script writes. */
export interface Lines extends AsyncIterable<string> {
  close(): void;
}

/** Reads lines from a pipe or a file. */
export function scriptLines(signal: AbortSignal): Lines {
  return createInterface({ input: process.stdin, crlfDelay: Infinity, signal });
}

/**
 * Reads lines at a prompt, with a history and completion of words and event names. What is printed meanwhile appears above
 * the prompt.
 *
 * @param events the names of events that were seen
 * @param interrupt called on Ctrl-C in an empty line. In another line Ctrl-C clears the line
 */
export function promptLines(
  output: Output,
  events: ReadonlySet<string>,
  signal: AbortSignal,
  interrupt: () => void,
): Lines {
  const prompt = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: '> ',
    completer: (line: string) => complete(line, events),
    signal,
  });
  prompt.on('SIGINT', () => {
    if (prompt.line === '') return interrupt();
    // clears the line, and keeps the prompt
    prompt.write(null, { ctrl: true, name: 'e' });
    prompt.write(null, { ctrl: true, name: 'u' });
  });
  let isOpen = true;
  prompt.on('close', () => (isOpen = false));
  output.around = (write) => {
    clearPrompt();
    write();
    if (isOpen) prompt.prompt(true);
  };
  return {
    close: () => prompt.close(),
    [Symbol.asyncIterator]: () => withPrompt(prompt, () => isOpen && prompt.prompt()),
  };
}

/** Whether an event name can be offered at the prompt, which prints it as it is. */
export function isCompletable(event: string): boolean {
  return /^\S{1,256}$/.test(event) && escapeText(event) === event;
}

function clearPrompt(): void {
  cursorTo(process.stdout, 0);
  clearLine(process.stdout, 0);
}

async function* withPrompt(lines: Interface, prompt: () => void): AsyncGenerator<string> {
  prompt();
  for await (const line of lines) {
    yield line;
    prompt();
  }
}

function complete(line: string, events: ReadonlySet<string>): [string[], string] {
  const [, before = '', word = ''] = /^(?:(emit|ask|stream)\s+)?(\S*)$/.exec(line) ?? [];
  const names = before === '' ? Object.keys(LINES).map((name) => `${name} `) : [...events];
  return [names.filter((name) => name.startsWith(word)), word];
}
