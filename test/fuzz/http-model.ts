import { createHash } from 'node:crypto';
import { check } from './fuzz.js';

/** What RFC 9112 and RFC 6455, section 4, say of a handshake's two halves. */

export interface HttpAnswer {
  status: number;
  /** By lower-case name. */
  headers: ReadonlyMap<string, string>;
  head: string;
  body: string;
}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]+$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\t]*)$/;

/** Takes apart all that a server sent in answer to one request, or to several behind each other; throws on what is malformed. */
export function readAnswers(bytes: Buffer): { answers: HttpAnswer[]; rest: Buffer } {
  const answers: HttpAnswer[] = [];
  let text = bytes.toString('latin1');
  while (text !== '') {
    const end = text.indexOf('\r\n\r\n');
    check(end !== -1, 'half an answer', text);
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
      answers.push({ status, headers, head, body: '' });
      return { answers, rest: Buffer.from(text, 'latin1') };
    }
    const { body, length } = readBody(text, headers, status);
    answers.push({ status, headers, head, body });
    text = text.slice(length);
  }
  return { answers, rest: Buffer.alloc(0) };
}

function readBody(
  text: string,
  headers: ReadonlyMap<string, string>,
  status: number,
): { body: string; length: number } {
  if (status < 200 || status === 204 || status === 304) return { body: '', length: 0 };
  const given = headers.get('content-length');
  if (given !== undefined) {
    // of a HEAD request
    if (text.startsWith('HTTP/1.1 ')) return { body: '', length: 0 };
    // less where it was cut
    const length = Math.min(Number(given), text.length);
    return { body: text.slice(0, length), length };
  }
  // to the end of the line
  return { body: text, length: text.length };
}

export interface Handshake {
  path: string;
  /** By lower-case name, each in the order in which it came. */
  fields: ReadonlyMap<string, readonly string[]>;
}

/** What is offered as subprotocols. */
export const offeredBy = ({ fields }: Handshake): string[] =>
  (fields.get('sec-websocket-protocol') ?? [])
    .flatMap((value) => value.split(','))
    .map((name) => name.trim());

/**
 * Reads a request; a text tells why it is no handshake of RFC 6455. Left open, since Node's parser and `ws` leave it
 * open: the version in the request line.
 */
export function readHandshake(text: string): Handshake | string {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return 'no end';
  // RFC 9112, section 3: empty lines before it are ignored, more than one space may be taken; without a version, the
  // line may end as it did in HTTP/0.9
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

/** No control character but the tab. */
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
