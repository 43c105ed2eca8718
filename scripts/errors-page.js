// Writes docs/errors.md from the tables in lib/protocol: npm run docs:errors. With --check it only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { format, resolveConfig } from 'prettier';

const root = join(import.meta.dirname, '..');
const file = join(root, 'docs/errors.md');

const TOPICS = {
  calls: ['Wrong calls and options', 'These are mistakes in the code that calls the package.'],
  start: ['At start', 'These keep the application from starting, or its parts from finding each other.'],
  running: ['While running', 'An application should expect these.'],
  testing: ['In tests', 'The test client of `nestjs-envelope/testing` throws these.'],
};

/** Responses to a refused upgrade, in the order of the checks. A spec compares the texts with the source. */
const UPGRADE_REFUSALS = [
  [404, 'No gateway is mounted on this path', 'No gateway has this path.'],
  [400, 'The request target is not a path', 'The request line has no path.'],
  [400, 'A WebSocket needs HTTP/1.1', 'A proxy upgraded with HTTP/1.0.'],
  [503, 'The server is shutting down', 'The application closes. `Retry-After: 1`.'],
  [400, 'The Host header is missing, or names no host', 'The `Host` header is malformed.'],
  [
    503,
    'The server is draining',
    '`EnvelopeOperations.drain` is in force. Its options set the text and `Retry-After`.',
  ],
  [
    429,
    'Blocked for a time',
    '`EnvelopeOperations.block` keeps the address or the user out. `Retry-After` says how long.',
  ],
  [503, 'Too many connections', '`maxConnections` or `maxPendingUpgrades` is reached. `Retry-After: 5`.'],
  [429, 'Too many connections from this address', '`maxConnectionsPerAddress` is reached. `Retry-After: 5`.'],
  [405, '(text of `ws`)', 'The method is not `GET`. `Allow: GET`.'],
  [400, '(text of `ws`)', 'The handshake breaks RFC 6455. `Sec-WebSocket-Version: 13, 8`.'],
  [403, 'Pages of this origin may not connect', 'The options `cors` and `hosts` do not allow the origin.'],
  [403, 'Forbidden', '`allowRequest` refused the request without a text.'],
  [
    401,
    'Unauthorized',
    '`verifyClient` refused the request without a status, or a guard threw a `WsException` without a text.',
  ],
  [401, 'The token has expired', '`client.expiresAt` has passed.'],
  [403, 'Forbidden resource', 'A guard returned `false` or disconnected the client.'],
  ['any', '(response of the exception)', 'A guard threw an `HttpException`.'],
  [401, '(text of the exception)', 'A guard threw a `WsException`.'],
  [503, 'The upgrade took too long', 'The guards exceeded `limits.upgradeTimeout`. `Retry-After: 5`.'],
  [500, 'Internal server error', 'A guard or check threw anything else. The log has the stack.'],
];

/** Responses of connections over HTTP, beside those to a refused upgrade. The same spec compares them. */
const HTTP_REFUSALS = [
  [
    405,
    'A request with the query field envelope is a POST',
    'The method is another one. `Allow: POST, OPTIONS`.',
  ],
  [400, 'The query field envelope must be open, listen, send, on or close', 'It is something else.'],
  [400, 'A request has either Content-Length or Transfer-Encoding', 'It has both.'],
  [415, 'The header Content-Type must be application/json', '`open` has another type.'],
  [400, 'The body must be a JSON object, {} without credentials', '`open` has another body.'],
  [413, 'The credentials have more than 8,192 bytes', '`open` has a larger body.'],
  [408, 'The body took too long', 'It took longer than `bodyTimeout`.'],
  [
    503,
    'Send the next request after the answer to this one',
    'The requests of one connection to the server came without waiting for the answers (pipelining).',
  ],
  [
    505,
    'The server takes such requests by HTTP/1.1: let a proxy speak HTTP/2',
    'The request came over HTTP/2.',
  ],
  [
    400,
    'The header Envelope-Line is missing, or is no key of a connection',
    'The key is missing or malformed.',
  ],
  [404, 'No such connection: open another one', 'The connection has ended, or the key is wrong.'],
  [404, 'The connection is on another node', 'The key names another node.'],
  [403, 'The connection was opened with other credentials', '`Authorization` or a named cookie differs.'],
  [400, 'The header Envelope-Have must be the number of a message that was sent', 'It is missing or wrong.'],
  [400, 'The header Envelope-Seq must be a whole number from 1 on', 'It is missing or malformed.'],
  [415, 'The header Content-Type must be application/x-ndjson', '`send` has another type.'],
  [400, 'The body must be UTF-8 text of one message on each line', '`send` has another body.'],
  [413, 'The messages are larger than maxPayload', 'The connection closes with 1009.'],
  [
    429,
    'Too many requests with messages at once',
    'More than eight, or over the message rate. `Retry-After: 1`.',
  ],
  [
    429,
    'The connection is not read: send the same messages again',
    'The server has not read on for half of `bodyTimeout`. `Retry-After: 1`.',
  ],
  [409, 'A request with messages is missing', 'The connection closes with 1002.'],
  [400, 'The body must be a JSON object with a close code', '`close` has another body.'],
];

const RECONNECT = { yes: 'yes, with backoff', later: 'yes, after a longer pause', no: 'no' };

async function tables() {
  const from = (name) => `export * from './${name}.js';`;
  const { outputFiles } = await build({
    stdin: {
      contents: ['error-codes', 'close-codes', 'envelope'].map(from).join('\n'),
      resolveDir: join(root, 'lib/protocol'),
    },
    bundle: true,
    format: 'esm',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');

async function errorsPage() {
  const { ERROR_CODES, EXCEPTION_CODES, CLOSE_CODES } = await tables();
  const topics = Object.entries(TOPICS).map(([topic, [title, text]]) => {
    const errors = Object.entries(ERROR_CODES)
      .filter(([, error]) => error.topic === topic)
      .map(([code, error]) => {
        const classes = error.class.split(', ').map((name) => `\`${name}\``);
        return `#### \`${code}\`\n\n${classes.join(' or ')}. ${error.when}\n\n_What to do:_ ${error.fix}\n\n`;
      });
    return `### ${title}\n\n${text}\n\n${errors.join('')}`;
  });
  const exceptions = Object.entries(EXCEPTION_CODES).map(([code, means]) => [`\`${code}\``, means]);
  const closes = Object.values(CLOSE_CODES).map(({ code, reconnect, means }) => [
    String(code),
    means,
    RECONNECT[reconnect],
  ]);
  const refusals = UPGRADE_REFUSALS.map(([status, message, when]) => [String(status), message, when]);
  const httpRefusals = HTTP_REFUSALS.map(([status, message, when]) => [String(status), message, when]);
  const page = `# Errors

<!-- Generated from lib/protocol by scripts/errors-page.js: change the tables there, and run npm run docs:errors. -->

Every error of this package that an application can catch has a stable \`code\`. Compare codes, not messages: messages may
become clearer in any release, codes change with a major version only. \`TimeoutError\`, \`DisconnectedError\`, \`RequestError\` and
\`RoomLimitError\` are exported as well, for \`instanceof\`; their \`code\` is typed.

\`\`\`ts
import type { ClientSocket, EnvelopeErrorCode } from 'nestjs-envelope/client';

const RETRIED: ReadonlySet<unknown> = new Set<EnvelopeErrorCode>([
  'ERR_ENVELOPE_TIMEOUT',
  'ERR_ENVELOPE_DISCONNECTED',
]);

async function ask(socket: ClientSocket, attempts = 3): Promise<unknown> {
  try {
    return await socket.emitWithAck('question');
  } catch (error) {
    if (attempts <= 1 || !RETRIED.has((error as { code?: unknown }).code)) throw error;
    return ask(socket, attempts - 1);
  }
}
\`\`\`

One error has no such code: \`ConnectError\`, an attempt of the client to connect that failed. Its \`code\` is the close code, a
number, and its \`status\` the HTTP status of the refused upgrade. Errors of a cluster adapter, a broker, Nest or the
application's own code pass through unchanged.

## Errors that an application can catch

${topics.join('')}## Codes of exceptions

The server sends an \`exception\` to the client whose message it refuses. A refusal by the protocol carries one of these as
\`data.code\`; [PROTOCOL.md](../PROTOCOL.md) says which of them are answered and which of them count towards closing the connection.
Exceptions of the application have no code unless it sets one.

${table(['code', 'meaning'], exceptions)}
## Close codes

The server closes connections with these codes, exported as \`CLOSE_CODES\`.

${table(['code', 'meaning', 'reconnect'], closes)}
## HTTP responses to a refused upgrade

The body is JSON in the shape of Nest's HTTP exceptions: \`statusCode\`, \`message\`, \`error\`. Browsers do not show it to pages.

${table(['status', 'message', 'when'], refusals)}
## HTTP responses to connections over HTTP

A client [over HTTP](http-streaming.md) can get these as well.

${table(['status', 'message', 'when'], httpRefusals)}`;
  return format(page, { ...(await resolveConfig(file)), filepath: file, proseWrap: 'always' });
}

const page = await errorsPage();
if (!process.argv.includes('--check')) writeFileSync(file, page);
else if (readFileSync(file, 'utf8') !== page) {
  console.error('docs/errors.md is out of date: run npm run docs:errors');
  process.exitCode = 1;
}
