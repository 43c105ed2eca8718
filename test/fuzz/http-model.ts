import { createHash } from 'node:crypto';
import { check } from './fuzz.js';

/** A model of both halves of a handshake, by RFC 9112 and RFC 6455, section 4. */

export interface HttpResponse {
  status: number;
  /** By lower-case name. */
  headers: ReadonlyMap<string, string>;
  head: string;
  body: string;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]+$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\t]*)$/;

/** Parses everything that a server sent in response to one or more requests. Throws when it is malformed. */
export function readResponses(bytes: Buffer): { responses: HttpResponse[]; rest: Buffer } {
  const responses: HttpResponse[] = [];
  let text = bytes.toString('latin1');
  while (text !== '') {
    const end = text.indexOf('\r\n\r\n');
    check(end !== -1, 'an incomplete response', text);
    const head = text.slice(0, end);
    const [statusLine = '', ...lines] = head.split('\r\n');
    const status = Number(STATUS_LINE.exec(statusLine)?.[1]);
    check(status >= 100, 'no status line', statusLine);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = FIELD.exec(line) ?? [];
      check(name !== undefined && value !== undefined, 'no header', line);
      headers.set(name.toLowerCase(), value);
    }
    text = text.slice(end + 4);
    if (status === 101) {
      responses.push({ status, headers, head, body: '' });
      return { responses, rest: Buffer.from(text, 'latin1') };
    }
    const { body, length } = readBody(text, headers, status);
    responses.push({ status, headers, head, body });
    text = text.slice(length);
  }
  return { responses, rest: Buffer.alloc(0) };
}

function readBody(
  text: string,
  headers: ReadonlyMap<string, string>,
  status: number,
): { body: string; length: number } {
  if (status < 200 || status === 204 || status === 304) return { body: '', length: 0 };
  const given = headers.get('content-length');
  if (given !== undefined) {
    // the response to a HEAD request
    if (text.startsWith('HTTP/1.1 ')) return { body: '', length: 0 };
    // less where it was truncated
    const length = Math.min(Number(given), text.length);
    return { body: text.slice(0, length), length };
  }
  // to the end of the connection
  return { body: text, length: text.length };
}

export interface Handshake {
  path: string;
  /** By lower-case name, with the values in order. */
  fields: ReadonlyMap<string, readonly string[]>;
}

/** Returns the offered subprotocols. */
export const offeredBy = ({ fields }: Handshake): string[] =>
  (fields.get('sec-websocket-protocol') ?? [])
    .flatMap((value) => value.split(','))
    .map((name) => name.trim());

/**
 * Parses a request. Returns a text with the reason when it is not a handshake of RFC 6455. Ignores, like Node's parser
 * and `ws`, the version in the request line.
 */
export function readHandshake(text: string): Handshake | string {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return 'no end';
  // RFC 9112, section 3: empty lines before it are ignored, more than one space may be accepted; without a version, the
  // line may end as in HTTP/0.9
  const [requestLine = '', ...lines] = text
    .slice(0, end)
    .replace(/^[\r\n]+/, '')
    .replace(/^(GET +[^ \r\n]+)\n/, '$1\r\n')
    .split('\r\n');
  const [, target] = /^GET +(\/[^ \t]*)(?: +HTTP\/(?:0\.9|1\.0|1\.1|2\.0))?$/.exec(requestLine) ?? [];
  if (target === undefined || !isPlain(target)) return `request line ${requestLine}`;
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined || !isPlain(value)) return `line ${line}`;
    const key = name.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value.replace(/[ \t]+$/, '')]);
  }
  const list = (name: string): string[] =>
    (fields.get(name) ?? []).flatMap((value) => value.toLowerCase().split(',')).map((token) => token.trim());
  const hosts = fields.get('host') ?? [];
  if (hosts.length !== 1 || !/^(\[[^\]\s]+\]|[^\s/@:?#<>"\\[\]]+)(:\d*)?$/.test(hosts[0]!)) return 'Host';
  if (!list('connection').includes('upgrade')) return 'Connection';
  if (list('upgrade').join() !== 'websocket') return 'Upgrade';
  const keys = fields.get('sec-websocket-key') ?? [];
  if (keys.length !== 1 || !/^[+/0-9A-Za-z]{22}==$/.test(keys[0]!)) return 'Sec-WebSocket-Key';
  const versions = fields.get('sec-websocket-version') ?? [];
  if (versions.length !== 1 || !['13', '8'].includes(versions[0]!)) return 'Sec-WebSocket-Version';
  return { path: target.replace(/[?#].*/, ''), fields };
}

/** Whether a text has no control character except the tab. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return false;
  }
  return true;
}

export function acceptOf({ fields }: Handshake): string {
  const key = fields.get('sec-websocket-key')![0]!;
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
