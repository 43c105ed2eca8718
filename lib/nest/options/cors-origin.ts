import { refuseOption, show } from '../../protocol/refuse.js';
import { webOrigin } from '../../server/upgrade/origin.js';

const VALUES = 'true, false, an origin such as "https://app.example", a RegExp';

/**
 * Checks the origins in the option `cors`. A text that no browser sends as an origin would silently let nobody in. What
 * functions return is not checked: they run for each client.
 *
 * @param where the class that has the option, for errors
 * @throws TypeError that names the text and the right spelling
 */
export function checkCorsOrigin(cors: unknown, where: string): void {
  const rule: unknown = typeof cors === 'object' && cors !== null ? Reflect.get(cors, 'origin') : undefined;
  if (rule === undefined || typeof rule === 'function') return;
  if (!Array.isArray(rule))
    return checkRule(rule, 'cors.origin', where, `${VALUES}, a function, or a list of them`);
  for (const [index, item] of rule.entries())
    checkRule(item, `cors.origin[${index}]`, where, VALUES.replace(', a RegExp', ', or a RegExp'));
}

function checkRule(rule: unknown, name: string, where: string, takes: string): void {
  if (typeof rule === 'boolean' || rule instanceof RegExp) return;
  if (typeof rule !== 'string') refuseOption(where, name, rule, takes);
  const cure = cureOf(rule);
  if (cure !== undefined) refuseOption(where, name, rule, cure);
}

/** Sandboxed frames and local files send `null`. Extensions and applications in a web view have other schemes. */
const OTHER_ORIGIN = /^(?:null$|(?!(?:http|ws)s?:)[a-z][a-z0-9+.-]*:\/\/[^\s\p{Cc}/?#@\\]*)/iu;

/** Returns what should be written in the place of a text; `undefined` if a browser may send what it names. */
function cureOf(text: string): string | undefined {
  if (text === '*') return undefined;
  if (text.includes('*')) return `no wildcard in a text. For several hosts, use a RegExp: ${patternOf(text)}`;
  if (text === '') return `${AS_SENT}, such as "https://app.example", or false for none`;
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '');
  if (parts.length > 1 || /[,;]/.test(text))
    return `one origin in a text, and several in a list: ${show(parts)}`;
  const meant = webOrigin(text);
  if (meant?.isNamed === true) return undefined;
  if (meant !== undefined) return `${AS_SENT}: ${show(meant.origin)}`;
  const [other] = OTHER_ORIGIN.exec(text) ?? [];
  if (other === text) return undefined;
  const origin = other ?? guessOf(text);
  return `${AS_SENT}${origin === undefined ? ', such as "https://app.example"' : `: ${show(origin)}`}`;
}

const AS_SENT = 'an origin as browsers send it';

/** Returns the origin of a page that connects to a WebSocket URL, or of a host without a scheme. */
function guessOf(text: string): string | undefined {
  if (/^wss?:/i.test(text)) return webOrigin(text.replace(/^ws/i, 'http'))?.origin;
  if (text.includes('://')) return undefined;
  const host = text.trim().replace(/^\/+/, '');
  return webOrigin(`${usualScheme(host)}://${host}`)?.origin;
}

/** Returns the scheme of most pages on a host. */
function usualScheme(host: string): string {
  return /^(?:localhost|127\.|\[::1\])/i.test(host) ? 'http' : 'https';
}

const WILDCARD = /^(?:(https?|\*):\/\/)?(\*\.)?([a-z0-9.-]+)(:\*|:\d+)?\/?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

/** Returns the source of a RegExp for a text with wildcards. A wildcard in an unusual place gets an example. */
function patternOf(text: string): string {
  const usual = WILDCARD.exec(text.toLowerCase());
  if (usual === null) return patternOf('https://*.app.example');
  const [, scheme = usualScheme(usual[3]!), subdomain, host, port = ''] = usual;
  const start = `^${scheme === '*' ? 'https?' : scheme}:\\/\\/`;
  const name = `${subdomain === undefined ? '' : '[a-z0-9-]+\\.'}${host!.replaceAll('.', '\\.')}`;
  const end = port === ':*' ? '(:\\d+)?' : port === DEFAULT_PORTS[scheme] ? '' : port;
  return `/${start}${name}${end}$/`;
}
