import { Decoder, Encoder } from '@msgpack/msgpack';
import { prepare } from '../protocol/msgpack/prepare.js';
import { scan, type ScanLimits } from '../protocol/msgpack/scan.js';
import { assertCarried, type Aside } from '../protocol/payload.js';
import { withCode } from '../protocol/with-code.js';
import type { Codec, Message, OutgoingMessage } from './message.js';

export type { Codec } from './message.js';

/** What is read of a server: as much as a page can use. */
const LIMITS: ScanLimits = { maxDepth: Infinity, maxValues: 1_000_000 };
/** Levels of a payload that is sent. */
const MAX_DEPTH = 5_000;

function toBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const isBuffer =
    value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer);
  return isBuffer ? new Uint8Array(value as ArrayBuffer) : undefined;
}

/** Bytes are carried as they are. */
const AS_BYTES: Aside = {
  takes: (value) => toBytes(value) !== undefined,
  replace: (_, value) => value,
};

/**
 * Lets `connect` speak MessagePack, with bytes anywhere in a payload: `envelope.v1+msgpack` (PROTOCOL.md, section 24). The server
 * needs `encodings: [messagePack()]` of `nestjs-envelope/msgpack`; another server refuses the connection. Needs the package
 * `@msgpack/msgpack`.
 *
 * `ArrayBuffer`, typed arrays and `DataView` can be sent, and bytes arrive as `Uint8Array`. A `Blob` must be read first:
 * `await blob.arrayBuffer()`.
 *
 * @example
 * const socket = connect('wss://example.com/files', { codec: messagePack() });
 * socket.emit('upload', { name: file.name, bytes: await file.arrayBuffer() });
 */
export function messagePack(): Codec {
  const encoder = new Encoder({ ignoreUndefined: true, maxDepth: MAX_DEPTH });
  const decoder = new Decoder();
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const isUtf8 = (bytes: Uint8Array): boolean => {
    try {
      utf8.decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  return {
    protocol: 'envelope.v1+msgpack',
    write({ event, data, ...fields }: OutgoingMessage) {
      assertCarried(data, event!, 'data', AS_BYTES);
      try {
        // a copy with a buffer of its own
        return encoder.encode({ event, data: prepare(data, toBytes), ...fields }).buffer as ArrayBuffer;
      } catch (cause) {
        throw withCode(
          'ERR_ENVELOPE_INVALID_PAYLOAD',
          new TypeError(`${JSON.stringify(event)} cannot be sent: ${(cause as Error).message}`, { cause }),
        );
      }
    },
    read(data) {
      const bytes = toBytes(data);
      if (bytes === undefined) return {};
      const contents = scan(bytes, LIMITS, isUtf8);
      // a server may send anything; the decoder refuses the key
      if (typeof contents === 'string' || contents.hasProto) return {};
      return decoder.decode(bytes) as Message;
    },
  };
}
