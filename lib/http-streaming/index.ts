import { randomBytes } from 'node:crypto';
import type { Transport } from '../server/upgrade/transport.js';
import { HttpStreamingTransport } from './http-streaming-transport.js';
import { resolveOptions, type HttpStreamingOptions } from './options.js';

export type { HttpStreamingOptions } from './options.js';

/**
 * Lets clients connect to all gateways over plain HTTP, where a proxy breaks the upgrade to a WebSocket: messages come down in
 * one long response, and go up in the bodies of short requests. Guards, limits, rooms and recovery are those of a WebSocket.
 *
 * With several nodes, the requests of a connection must reach the node that has it: see the option `node`.
 *
 * @throws TypeError on an option that is unknown or malformed
 * @example
 * app.useWebSocketAdapter(new EnvelopeAdapter(app, { transports: [httpStreaming()] }));
 */
export function httpStreaming(options: HttpStreamingOptions = {}): Transport {
  const resolved = resolveOptions(options);
  const node = resolved.node ?? randomBytes(6).toString('base64url');
  return {
    name: 'httpStreaming',
    _carriesBytes: false,
    _feature: 'http',
    _open: (host) => new HttpStreamingTransport({ ...resolved, node }, host),
  };
}
