import { isPlain } from '../../protocol/payload.js';
import { bufferOf, isBytes } from '../transport/bytes.js';
import { ENVELOPE, type Encoding } from '../transport/encoding.js';
import { Frame } from '../transport/frame.js';

/** The only key of an object that stands for bytes. */
const BYTES = '\u0000bytes';

/**
 * Returns the arguments of a message as text, if they cannot be read from the envelope: several, which it has as one list,
 * or bytes. `undefined` if the envelope is enough.
 *
 * @param encoding the encoding of the envelope. With that of a server without other clients, it always is
 */
export function storedArguments(args: readonly unknown[], encoding: Encoding): string | undefined {
  if (encoding === ENVELOPE || (args.length <= 1 && isPlain(args[0]))) return undefined;
  return JSON.stringify(args, function (this: Record<string, unknown>, key, value: unknown): unknown {
    const original = this[key];
    const bytes = isBytes(original) ? original : value;
    return isBytes(bytes) ? { [BYTES]: bufferOf(bytes).toString('base64') } : value;
  });
}

/** Returns a stored message in the encoding of a client. @param args what {@link storedArguments} returned */
export function restoreFrame(
  text: string,
  args: string | undefined,
  offset: string,
  encoding: Encoding,
): Frame {
  if (encoding.isJson) return new Frame(text, true, offset);
  const envelope = JSON.parse(text) as { event: string; data?: unknown; meta?: object };
  const single = Object.hasOwn(envelope, 'data') ? [envelope.data] : [];
  const values = args === undefined ? single : (JSON.parse(args, revive) as unknown[]);
  return new Frame(encoding.event(envelope.event, values, undefined, envelope.meta), true, offset, encoding);
}

function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, BYTES)) return value;
  return Buffer.from(String(Reflect.get(value, BYTES)), 'base64');
}
