import type { IncomingMessage } from 'node:http';
import { quote } from '../util/quote.js';

/**
 * Returns whether a plain HTTP request was an upgrade before a proxy removed the headers `Upgrade` and `Connection`, which
 * are about one hop (RFC 9110, section 7.6.1). The other headers of a WebSocket pass every proxy.
 */
export function hasLostUpgrade({ headers }: IncomingMessage): boolean {
  return headers['sec-websocket-key'] !== undefined;
}

/** Returns the log line for such a request. */
export function explainLostUpgrade(path: string): string {
  return (
    `GET ${quote(path)} is the request of a WebSocket without its Upgrade header: a proxy in front removes it, so the client ` +
    'cannot connect. In nginx, add "proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;" and ' +
    '"proxy_set_header Connection "upgrade";" to the location. docs/deploy has whole files for nginx and other proxies'
  );
}
