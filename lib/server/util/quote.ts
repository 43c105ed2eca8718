const MAX_LENGTH = 200;

/**
 * What a client sent, as a log may show it: on one line, not without end, and without characters that a terminal or a
 * parser of logs could take for its own.
 */
export function quote(text: string): string {
  const shown = text.slice(0, MAX_LENGTH).replace(/[^\w .~:/?#[\]@!$&()*+,;=%-]/g, '?');
  return text.length > MAX_LENGTH ? `${shown}...` : shown;
}
