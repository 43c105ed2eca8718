import type { IncomingMessage } from 'node:http';
import { offeredProtocols, selectEnvelope } from '../handshake/subprotocols.js';
import type { Encoding } from '../transport/encoding.js';

/** An encoding beside JSON, for the adapter's option `encodings`: what `messagePack()` returns. */
export interface FurtherEncoding {
  /** The name, for errors: `messagePack`. */
  readonly name: string;
  /** @internal The subprotocol by which clients choose it. */
  readonly _protocol: string;
  /** @internal How its messages look. */
  readonly _encoding: Encoding;
}

/** Returns the encoding that a client asks for. */
export type EncodingOf = (request: IncomingMessage) => Encoding;

/**
 * Returns the function that finds the encoding of a client, before its subprotocol is selected: guards may emit. It agrees with
 * the selection.
 *
 * @param json the encoding of all other clients
 */
export function encodingSelector(json: Encoding, encodings: ReadonlyMap<string, Encoding>): EncodingOf {
  if (encodings.size === 0) return () => json;
  const names = new Set(encodings.keys());
  return (request) => encodings.get(selectEnvelope(offeredProtocols(request), names) ?? '') ?? json;
}
