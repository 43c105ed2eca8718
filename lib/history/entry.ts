import { isRecord } from '../protocol/json.js';
import { bufferOf, isBytes } from '../server/transport/bytes.js';

/** A message in a history. */
export interface Entry {
  /** The server that sent it. */
  readonly sender: string;
  /** Its number among the messages of its sender. */
  readonly number: number;
  readonly event: string;
  readonly args: readonly unknown[];
  /** The rooms whose members did not receive it. */
  readonly except: readonly string[];
  /** What it carries beside its payload. */
  readonly meta: object | undefined;
}

/** The only key of an object that stands for bytes. */
const BYTES = '\u0000bytes';

/** Writes a message for a store. */
export function writeEntry({ sender, number, event, args, except, meta }: Entry): string {
  const fields = { s: sender, n: number, e: event, a: args, m: meta };
  const all = except.length === 0 ? fields : { ...fields, x: except };
  return JSON.stringify(all, function (this: Record<string, unknown>, key, value: unknown): unknown {
    // a Buffer has toJSON
    const original = this[key];
    const bytes = isBytes(original) ? original : value;
    return isBytes(bytes) ? { [BYTES]: bufferOf(bytes).toString('base64') } : value;
  });
}

/** Reads a message of a store; `undefined` if it is malformed: other programs may write to the store. */
export function readEntry(text: string): Entry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text, text.includes(ESCAPED_BYTES) ? revive : undefined);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { s: sender, n: number, e: event, a: args, x: except = [], m: meta } = value;
  if (typeof sender !== 'string' || !Number.isSafeInteger(number) || typeof event !== 'string')
    return undefined;
  if (!Array.isArray(args) || !Array.isArray(except)) return undefined;
  return {
    sender,
    number: number as number,
    event,
    args,
    except: except.map(String),
    meta: isRecord(meta) ? meta : undefined,
  };
}

const ESCAPED_BYTES = JSON.stringify(BYTES).slice(1, -1);

function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, BYTES)) return value;
  return Buffer.from(String(Reflect.get(value, BYTES)), 'base64');
}
