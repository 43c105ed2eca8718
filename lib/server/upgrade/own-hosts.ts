import { inspect } from 'node:util';
import { withCode } from '../../protocol/with-code.js';

/**
 * The hosts of a server: names, with a port unless it is the default of the scheme. A leading `*.` stands for any
 * subdomain.
 */
export type Hosts = string | readonly string[];

/** Returns whether a page is on one of the server's hosts. */
export type OwnHosts = (page: URL) => boolean;

/**
 * Compiles the option `hosts` to a function.
 *
 * @returns `undefined` if the option is not set; the server's host is then the one in the `Host` header
 * @throws TypeError if a value is not a host
 */
export function compileHosts(hosts: Hosts | undefined): OwnHosts | undefined {
  if (hosts === undefined) return undefined;
  const list: readonly unknown[] = typeof hosts === 'string' ? [hosts] : hosts;
  if (!Array.isArray(list) || list.length === 0) throw invalid(hosts);
  const tests = list.map(compileHost);
  return (page) => tests.some((test) => test(page));
}

function compileHost(text: unknown): OwnHosts {
  if (typeof text !== 'string') throw invalid(text);
  const hasWildcard = text.startsWith('*.');
  const host = hasWildcard ? text.slice(2) : text;
  // parsed as a URL of each scheme, so that the default port may be omitted, and names beyond ASCII become Punycode
  const [http, https] = ['http:', 'https:'].map((scheme) => hostOf(scheme, host));
  if (http === undefined || https === undefined) throw invalid(text);
  return (page) => {
    const own = page.protocol === 'https:' ? https : http;
    return hasWildcard ? page.host.endsWith(`.${own}`) : page.host === own;
  };
}

function hostOf(scheme: string, host: string): string | undefined {
  if (/[/?#@\\\s]/.test(host)) return undefined;
  try {
    return new URL(`${scheme}//${host}`).host;
  } catch {
    return undefined;
  }
}

function invalid(value: unknown): TypeError {
  return withCode(
    'ERR_ENVELOPE_INVALID_OPTION',
    new TypeError(
      `The option hosts of EnvelopeAdapter has ${inspect(value)}. It takes a host or a list of hosts, without a scheme or a ` +
        "path: 'chat.example', 'localhost:3000', '*.chat.example'",
    ),
  );
}
