import type { FurtherEncoding } from '../server/upgrade/further-encoding.js';
import { refuseOption, assertOptions } from '../protocol/refuse.js';
import { MessagePackEncoding } from './message-pack-encoding.js';

/** The options of {@link messagePack}. */
export interface MessagePackOptions {
  /**
   * Values of one message that are read, with keys, maps and arrays: a value of one byte takes much more memory when it is read.
   * Default 100,000.
   */
  maxValues?: number;
}

/**
 * Lets clients speak MessagePack, with bytes anywhere in a payload: `envelope.v1+msgpack` of PROTOCOL.md, section 24. Clients
 * choose it; those that do not continue with JSON on the same gateways, and receive bytes as base64 text. Needs the package
 * `@msgpack/msgpack`.
 *
 * Handlers receive bytes as `Buffer`. `Buffer`, typed arrays, `DataView` and `ArrayBuffer` can be sent.
 *
 * @throws TypeError on an option that is unknown or malformed
 * @example
 * app.useWebSocketAdapter(new EnvelopeAdapter(app, { encodings: [messagePack()] }));
 */
export function messagePack(options: MessagePackOptions = {}): FurtherEncoding {
  assertOptions('messagePack', options, ['maxValues'], '{ maxValues: 100_000 }');
  const { maxValues = 100_000 } = options;
  if (!Number.isSafeInteger(maxValues) || maxValues < 1)
    refuseOption('messagePack', 'maxValues', maxValues, 'a whole number from 1 on');
  return {
    name: 'messagePack',
    _protocol: 'envelope.v1+msgpack',
    _encoding: new MessagePackEncoding(maxValues),
  };
}
