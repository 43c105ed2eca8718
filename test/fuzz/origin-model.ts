/**
 * Which page may connect, written without `URL`: origins are taken apart by the grammar of RFC 6454, section 7, and
 * hosts by that of RFC 9110, section 7.2.
 */

export interface Site {
  scheme: string;
  host: string;
  port: string;
}

// what a URL's host may hold, and more than names in use have
const NAME = String.raw`[^\x00-\x20\x7f#%/:<>?@[\\\]^|]+`;
const AUTHORITY = new RegExp(String.raw`^(${NAME}|\[[0-9a-f:.]+\])(?::(0|[1-9][0-9]{0,4}))?$`);
const PORTS: Readonly<Record<string, string>> = { http: '80', https: '443', ws: '80', wss: '443', ftp: '21' };

/** A host and a port as browsers write them; `undefined`: no browser writes that. */
export function readHost(text: string | undefined, scheme: string): Site | undefined {
  const [, host, given] = AUTHORITY.exec(text?.toLowerCase() ?? '') ?? [];
  if (host === undefined || Number(given) > 65_535) return undefined;
  return { scheme, host, port: given ?? PORTS[scheme] ?? '' };
}

/** An origin as browsers write it: a scheme, a host, and a port where it is not the scheme's own. */
export function readOrigin(text: string): Site | undefined {
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)$/.exec(text.toLowerCase()) ?? [];
  return scheme === undefined ? undefined : readHost(authority, scheme);
}

/** A host that has several spellings: numbers, which are addresses, and what is not ASCII. */
export function isAmbiguous({ host }: Site): boolean {
  return /(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$/.test(host) || /^\[|(^|\.)xn--|[^\x21-\x7e]/.test(host);
}

export function isSamePlace(a: Site, b: Site): boolean {
  return a.host === b.host && a.port === b.port;
}
