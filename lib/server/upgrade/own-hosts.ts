import { inspect } from 'node:util';
import { withCode } from '../../protocol/with-code.js';

/** The hosts that a server has: names with a port where it is not the scheme's own, `*.` in front for any name below. */
export type Hosts = string | readonly string[];

/** Whether a page is on a host of this server's own. */
export type OwnHosts = (page: URL) => boolean;

/**
 * Compiles the option `hosts`.
 *
 * @returns `undefined` where it is not set: the `Host` header then tells the server's host
 * @throws TypeError on what is no host
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
  const isBelow = text.startsWith('*.');
  const host = isBelow ? text.slice(2) : text;
  // read with the page's scheme, so that its default port need not be named, and names beyond ASCII are as in URLs
  const [http, https] = ['http:', 'https:'].map((scheme) => hostOf(scheme, host));
  if (http === undefined || https === undefined) throw invalid(text);
  return (page) => {
    const own = page.protocol === 'https:' ? https : http;
    return isBelow ? page.host.endsWith(`.${own}`) : page.host === own;
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
      `The option hosts of EnvelopeAdapter has ${inspect(value)}. It takes a host or a list of hosts without scheme and ` +
        "path: 'chat.example', 'localhost:3000', '*.chat.example'",
    ),
  );
}
