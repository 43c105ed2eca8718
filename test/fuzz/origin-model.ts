/**
 * A model of which page may connect, written without `URL`. It parses origins by the grammar of RFC 6454, section 7,
 * and hosts by that of RFC 9110, section 7.2.
 */

export interface Site {
  scheme: string;
  host: string;
  port: string;
}

// the characters of a URL's host, which are more than real names use
const NAME = String.raw`[^\x00-\x20\x7f#%/:<>?@[\\\]^|]+`;
const AUTHORITY = new RegExp(String.raw`^(${NAME}|\[[0-9a-f:.]+\])(?::(0|[1-9][0-9]{0,4}))?$`);
const PORTS: Readonly<Record<string, string>> = { http: '80', https: '443', ws: '80', wss: '443', ftp: '21' };

/** Parses a host and a port as browsers write them. Returns `undefined` for anything else. */
export function readHost(text: string | undefined, scheme: string): Site | undefined {
  const [, host, given] = AUTHORITY.exec(text?.toLowerCase() ?? '') ?? [];
  if (host === undefined || Number(given) > 65_535) return undefined;
  return { scheme, host, port: given ?? PORTS[scheme] ?? '' };
}

/** Parses an origin as browsers write it: a scheme, a host, and a port unless it is the default. */
export function readOrigin(text: string): Site | undefined {
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)$/.exec(text.toLowerCase()) ?? [];
  return scheme === undefined ? undefined : readHost(authority, scheme);
}

/** Whether a host has several spellings: numbers, which are addresses, and non-ASCII names. */
export function isAmbiguous({ host }: Site): boolean {
  return /(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$/.test(host) || /^\[|(^|\.)xn--|[^\x21-\x7e]/.test(host);
}

export function isSameHost(a: Site, b: Site): boolean {
  return a.host === b.host && a.port === b.port;
}
