import { connect } from 'node:net';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import type { Random } from '../support/random.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { check, fuzzLines } from './fuzz.js';
import { acceptOf, offeredBy, readAnswers, readHandshake, type HttpAnswer } from './http-model.js';
import { readServerFrames } from './rfc6455.js';
import { CANARY, randomUpgrade } from './upgrade-corpus.js';

@WebSocketGateway({ path: '/ws' })
class OpenGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): unknown {
    return data;
  }
}
@WebSocketGateway({ path: '/room/:name' })
class RoomGateway {}
@WebSocketGateway({ path: '/ns', namespace: /^\/room-\d+$/ })
class NamespaceGateway {}

class TokenGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    return context.switchToWs().getClient<EnvelopeSocket>().handshake.auth['token'] === 'right';
  }
}
@WebSocketGateway({ path: '/guarded' })
@UseGuards(TokenGuard)
class GuardedGateway {}

const PATHS = /^\/(ws|room\/[^/]+|ns\/room-\d+|guarded)\/?$/i;
/** Escapes that a path need not have. */
const plain = (path: string): string =>
  path.replace(/%[\da-f]{2}/gi, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(char) ? char : escape;
  });
/** What the HTTP platform itself answers to what is no upgrade. */
const OF_THE_PLATFORM = /^(Cannot [A-Z]+ |.*not a valid url|Failed to decode|Client Error|Unsupported Media)/;
/** The token that the guard lets in, as it is or in base64. */
const TOKEN = /right|eyJ0b2tlbiI6InJpZ2h0/;
const PATIENCE = 5_000;

/** Sends a request, and gives all that comes until the line ends: the client ends its half once `done` resolves. */
function exchange(port: number, request: Buffer, done: () => Promise<void>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tcp = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => reject(new Error('the line did not end')), PATIENCE);
    tcp.on('data', (chunk) => void chunks.push(chunk));
    // a server that cuts the line while we write has answered, too
    tcp.on('error', () => undefined);
    tcp.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    tcp.write(request, () => void done().then(() => tcp.end(), reject));
  });
}

function checkAnswer(answer: HttpAnswer, request: string): void {
  // a subprotocol is selected by its name
  const head = answer.head.replace(/^Sec-WebSocket-Protocol: .*$/m, '');
  check(!head.includes(CANARY), 'a header says what the client said', answer.head, request);
  if (!answer.body.includes(CANARY)) return;
  const { message } = JSON.parse(answer.body) as { message: string };
  check(OF_THE_PLATFORM.test(message), 'the body says what the client said', answer.body, request);
}

function checkOpened(answer: HttpAnswer, request: string, rest: Buffer): void {
  const handshake = readHandshake(request);
  check(typeof handshake !== 'string', 'opened for what is no handshake', handshake, request);
  check(PATHS.test(plain(handshake.path)), 'opened on a path of nobody', handshake.path);
  const isGuarded = plain(handshake.path).includes('guarded');
  check(!isGuarded || TOKEN.test(request), 'opened without a token', request);
  const { headers } = answer;
  check(headers.get('sec-websocket-accept') === acceptOf(handshake), 'another accept', answer.head, request);
  check(headers.get('sec-websocket-extensions') === undefined, 'an extension', answer.head);
  const selected = headers.get('sec-websocket-protocol');
  const offered = offeredBy(handshake);
  check(selected === undefined || offered.includes(selected), 'selected what was not offered', answer.head);
  const isSpoken = selected === undefined || selected === 'envelope.v1' || selected === 'bearer';
  check(isSpoken, 'selected what it does not speak', answer.head, request);
  readServerFrames(rest);
}

describe('requests for an upgrade, from bare TCP', () => {
  expectNoUnhandledErrors();

  fuzzLines('are answered well or not at all, and open only for a right handshake', 400, async () => {
    const app = await startApp(
      { providers: [OpenGateway, RoomGateway, NamespaceGateway, GuardedGateway] },
      { adapter: { pingInterval: 0, limits: { messagesPerSecond: false } } },
    );
    const witness = await app.connect('/ws');
    const server = app.adapter.create(0, { path: '/ws' });
    const isServed = async (): Promise<void> => {
      const token = `${Math.random()}`;
      check((await witness.ask('echo', token)).data === token, 'the witness is not served');
      witness.frames.length = 0;
    };
    const run = async (random: Random): Promise<void> => {
      const bytes = Buffer.from(randomUpgrade(random, `127.0.0.1:${app.port}`), 'latin1');
      const request = bytes.toString('latin1');
      // the client's half ends at once, or when the server has had its turn
      const done = random.chance(0.3) ? () => Promise.resolve() : isServed;
      const { answers, rest } = readAnswers(await exchange(app.port, bytes, done));
      for (const answer of answers) checkAnswer(answer, request);
      const last = answers.at(-1);
      if (last?.status === 101) checkOpened(last, request, rest);
    };
    const finish = async (): Promise<void> => {
      await until('the end of all lines', () => server.sockets.size === 1);
      await isServed();
      expect(app.log.of('error')).toEqual([]);
    };
    return { run, finish };
  });
});
