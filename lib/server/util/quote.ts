const MAX_LENGTH = 200;

/**
 * Returns a client's text in a form that is safe for the log: one line, at most 200 characters, and only characters
 * that neither a terminal nor a log parser interprets. Others become `?`.
 */
export function quote(text: string): string {
  const shown = text.slice(0, MAX_LENGTH).replace(/[^\w .~:/?#[\]@!$&()*+,;=%-]/g, '?');
  return text.length > MAX_LENGTH ? `${shown}...` : shown;
}
