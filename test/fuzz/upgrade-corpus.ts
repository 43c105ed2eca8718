import type { Random } from '../support/random.js';
import { Mutator } from './mutator.js';

/**
 * Appears in every part that a client controls. It must not appear in a header of a response, nor without a reason in a
 * body.
 */
export const CANARY = 'k4nar1envogel';

type Field = [name: string, value: string];

const auth = (value: unknown): string =>
  `envelope.auth.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
const METHODS = ['POST', 'HEAD', 'OPTIONS', 'get', 'CONNECT', 'PRI', `${CANARY}`, ''];
const VERSIONS = ['HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.1 ', 'http/1.1', 'HTTP/1.10', 'HTTP/1', ''];
const TARGETS = [
  ...[
    '/ws',
    '/ws',
    '/ws/',
    '//ws',
    '/room/a',
    '/room/%C3%BC',
    '/ns/room-1',
    '/ns/room-22',
    '/guarded?token=right',
  ],
  ...[
    '/guarded',
    `/guarded?token=${CANARY}`,
    `/${CANARY}`,
    `/ws?${CANARY}`,
    '/',
    '*',
    'ws',
    '',
    '/ws#x',
    '/ws\u0000',
  ],
  ...[
    `http://${CANARY}/ws`,
    'host:80',
    '/room/%',
    '/room/%ff',
    '/ns/room-',
    '/ws/../ws',
    '/room/__proto__',
    '/ws ws',
  ],
];
const FIELDS: Field[] = [
  ['Host', CANARY],
  ['Host', ''],
  ['Host', `a b${CANARY}`],
  ['Origin', `http://${CANARY}`],
  ['Origin', 'null'],
  ['Origin', 'http://HOST'],
  ['Origin', `http://HOST\\${CANARY}`],
  ['Connection', 'keep-alive, Upgrade'],
  ['Connection', 'close'],
  ['Connection', CANARY],
  ['Upgrade', 'h2c'],
  ['Upgrade', 'WebSocket'],
  ['Upgrade', `websocket, ${CANARY}`],
  ['Sec-WebSocket-Version', '8'],
  ['Sec-WebSocket-Version', '12'],
  ['Sec-WebSocket-Version', CANARY],
  ['Sec-WebSocket-Key', 'dG9vIHNob3J0'],
  ['Sec-WebSocket-Key', CANARY],
  ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAA=='],
  ['Sec-WebSocket-Protocol', `envelope.v1, ${auth({ token: CANARY })}`],
  ['Sec-WebSocket-Protocol', `bearer, ${CANARY}`],
  ['Sec-WebSocket-Protocol', auth({ token: 'right', data: CANARY })],
  ['Sec-WebSocket-Protocol', 'bearer, right'],
  ['Sec-WebSocket-Protocol', `a b, ${CANARY}`],
  ['Sec-WebSocket-Protocol', `graphql-ws,graphql-ws`],
  ['Sec-WebSocket-Extensions', `permessage-deflate; ${CANARY}=1`],
  ['Sec-WebSocket-Extensions', ',;='],
  ['Authorization', `Bearer ${CANARY}`],
  ['Authorization', 'Bearer right'],
  ['Cookie', `a=${CANARY}; b="; c=%`],
  ['X-Request-Id', CANARY],
  ['X-Forwarded-For', `${CANARY}, 1.2.3.4`],
  ['X-Forwarded-Host', CANARY],
  ['Content-Length', '5'],
  ['Content-Length', '-1'],
  ['Transfer-Encoding', 'chunked'],
  ['Transfer-Encoding', `${CANARY}, chunked`],
  ['Expect', '100-continue'],
  ['Expect', CANARY],
  ['__proto__', CANARY],
  [CANARY, CANARY],
];
const TOKENS = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ': ',
    ':',
    ' ',
    '\t',
    '\u0000',
    '\u0080',
    'ÿ',
    ',',
    ';',
    '"',
    '%0d%0a',
    CANARY,
  ],
  ...[
    'Host: x\r\n',
    'Upgrade: websocket\r\n',
    '\r\n ',
    'GET /ws HTTP/1.1\r\n',
    'Content-Length: 1\r\n',
    '0\r\n\r\n',
  ],
];
const texts = new Mutator([''], TOKENS);

/** Returns fields that enlarge a request: a huge one, or many. */
function padding(random: Random): Field[] {
  if (random.chance(0.5)) return [['X-Padding', 'p'.repeat(random.pick([1_000, 15_000, 16_500, 70_000]))]];
  return Array.from({ length: random.pick([50, 500, 3_000]) }, (_, index) => [`x-${index}`, 'y']);
}

/** Returns the text of an upgrade request to the server at `host`: a valid one with some mutations, or none. */
export function randomUpgrade(random: Random, host: string): string {
  const method = random.chance(0.04) ? random.pick(METHODS) : 'GET';
  const version = random.chance(0.04) ? random.pick(VERSIONS) : 'HTTP/1.1';
  const target = random.chance(0.4) ? '/ws' : random.pick(TARGETS);
  let fields: Field[] = [
    ['Host', host],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ];
  for (let changes = random.below(4); changes > 0; changes--) {
    const [name, value] = random.pick(FIELDS);
    const field: Field = [random.chance(0.1) ? name.toUpperCase() : name, value.replace('HOST', host)];
    const kind = random.below(5);
    if (kind === 0) fields.splice(random.below(fields.length), 1);
    else if (kind === 1) fields.push(random.pick(fields));
    else if (kind === 2) fields.splice(random.below(fields.length + 1), 0, field);
    else fields = [...fields.filter(([other]) => other.toLowerCase() !== name.toLowerCase()), field];
    if (fields.length === 0) fields.push(field);
  }
  if (random.chance(0.02)) fields.push(...padding(random));
  const end = random.chance(0.02) ? '\n' : '\r\n';
  const lines = [`${method} ${target} ${version}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  let text = `${lines.join(end)}${end}${end}`;
  if (random.chance(0.1))
    text += random.pick(['hello', '5\r\nhello\r\n0\r\n\r\n', `GET /${CANARY} HTTP/1.1\r\n\r\n`]);
  if (random.chance(0.3)) text = texts.change(random, text);
  return random.chance(0.03) ? text.slice(0, random.below(text.length)) : text;
}
