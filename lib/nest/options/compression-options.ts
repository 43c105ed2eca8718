import { isRecordLike, refuseOption } from '../../protocol/refuse.js';
import type { SharedDeflate } from '../../server/transport/deflate-negotiator.js';
import type { WebSocketOptions } from '../../server/transport/web-socket-acceptor.js';

type WsOptions = Extract<WebSocketOptions['perMessageDeflate'], object>;

/** How messages are compressed, where the client can decompress them: the options of `ws`, and `shared`. */
export interface CompressionOptions extends WsOptions {
  /**
   * Whether each message is compressed on its own: once for all clients, with no compressor for each connection. `false`:
   * `ws` compresses for each connection, with what it sent before as context. That makes similar small messages smaller,
   * and takes some 230 kB more and several times the CPU time. Default: `true`, unless `serverNoContextTakeover` is `false`.
   *
   * With `shared`, these options have an effect: `threshold` (bytes below which a message is left uncompressed, default
   * 1,024), `level`, `memLevel` and `strategy` of `zlibDeflateOptions`, `zlibInflateOptions`, `concurrencyLimit` (of
   * decompression), `serverMaxWindowBits` (9 to 15), `clientMaxWindowBits` (8 to 15), and `clientNoContextTakeover`. The
   * last one is `true` unless set to `false`, which gives each connection a decompressor.
   */
  shared?: boolean;
}

/** A resolved option `perMessageDeflate`. */
export interface Compression {
  /** The part of `ws`. */
  readonly perMessageDeflate: WebSocketOptions['perMessageDeflate'];
  /** The part of this package; `undefined`: `ws` does everything. */
  readonly deflate: SharedDeflate | undefined;
}

const DEFAULT_THRESHOLD = 1_024;
const MAX_WINDOW_BITS = 15;

/** Returns what a value of the option `perMessageDeflate` means. */
export function resolveCompression(option: boolean | CompressionOptions): Compression {
  if (option === false) return { perMessageDeflate: false, deflate: undefined };
  const options = option === true ? {} : option;
  if (!isShared(options)) return { perMessageDeflate: options, deflate: undefined };
  const { threshold, zlibDeflateOptions, zlibInflateOptions, concurrencyLimit } = options;
  const { level, memLevel, strategy } = zlibDeflateOptions ?? {};
  return {
    perMessageDeflate: { zlibInflateOptions, concurrencyLimit },
    deflate: {
      threshold: threshold ?? DEFAULT_THRESHOLD,
      zlib: { level, memLevel, strategy },
      serverMaxWindowBits: options.serverMaxWindowBits ?? MAX_WINDOW_BITS,
      clientMaxWindowBits: options.clientMaxWindowBits,
      clientNoContextTakeover: options.clientNoContextTakeover !== false,
    },
  };
}

function isShared({ shared, serverNoContextTakeover }: CompressionOptions): boolean {
  return shared ?? serverNoContextTakeover !== false;
}

/** The numbers of a shared compression, each with its range. zlib would throw when it compresses the first message. */
const RANGES: readonly (readonly [name: string, from: number, to: number])[] = [
  ['threshold', 0, Infinity],
  ['serverMaxWindowBits', 9, 15],
  ['clientMaxWindowBits', 8, 15],
  ['zlibDeflateOptions.level', -1, 9],
  ['zlibDeflateOptions.memLevel', 1, 9],
  ['zlibDeflateOptions.strategy', 0, 4],
];

/**
 * Checks the option `perMessageDeflate`.
 *
 * @param where the class that has the options, for errors
 * @throws TypeError that names the option, its value and what it takes
 */
export function checkCompression(option: unknown, where: string): void {
  if (!isRecordLike(option)) return;
  const { shared, serverNoContextTakeover } = option as CompressionOptions;
  if (shared !== undefined && typeof shared !== 'boolean')
    refuseOption(where, 'perMessageDeflate.shared', shared, 'true or false');
  if (!isShared(option)) return;
  if (serverNoContextTakeover === false) {
    const takes = 'false only without shared: a message that all clients get is compressed without a context';
    refuseOption(where, 'perMessageDeflate.serverNoContextTakeover', serverNoContextTakeover, takes);
  }
  for (const [name, from, to] of RANGES) {
    const value = fieldOf(option, name);
    const isValid = Number.isInteger(value) && (value as number) >= from && (value as number) <= to;
    if (value === undefined || isValid) continue;
    const range = to === Infinity ? `from ${from} on` : `from ${from} to ${to}`;
    refuseOption(where, `perMessageDeflate.${name}`, value, `a whole number ${range}`);
  }
}

function fieldOf(options: object, path: string): unknown {
  return path
    .split('.')
    .reduce((value: unknown, name) => Reflect.get(Object(value) as object, name) as unknown, options);
}
