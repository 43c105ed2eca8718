import type { RawData } from '../server/transport/connection.js';
import type { Encoded, Encoding } from '../server/transport/encoding.js';

/** Line breaks outside the texts of JSON: within them, they are escaped. */
const LINE_BREAKS = /[\r\n]+/g;

/** Returns data without an envelope as a message: a JSON object on one line as it is, everything else as the event `message`. */
export function messageOf(data: RawData, encoding: Encoding): Encoded {
  if (typeof data !== 'string')
    return encoding.event('message', [Buffer.from(data as Uint8Array).toString('base64')]);
  return isObject(data) ? data.replace(LINE_BREAKS, ' ') : encoding.event('message', [data]);
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
