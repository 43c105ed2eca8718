import { connect } from 'node:net';
import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import type { Random } from '../support/random.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';
import { until } from '../support/wait.js';
import { check, fuzzConnections } from './fuzz.js';
import { acceptOf, offeredBy, readResponses, readHandshake, type HttpResponse } from './http-model.js';
import { readServerFrames } from './rfc6455.js';
import { CANARY, randomUpgrade } from './upgrade-corpus.js';
import { LONGEST_WAIT } from '../support/longest-wait.js';

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
/** Decodes the escapes that a path does not need. */
const plain = (path: string): string =>
  path.replace(/%[\da-f]{2}/gi, (escape) => {
    const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(char) ? char : escape;
  });
/** The messages of the HTTP platform for requests that are not upgrades. */
const PLATFORM_MESSAGE =
  /^(Cannot [A-Z]+ |.*not a valid url|Failed to decode|Client Error|Unsupported Media)/;
/** The token that the guard accepts, plain or in base64. */
const TOKEN = /right|eyJ0b2tlbiI6InJpZ2h0/;

/**
 * Sends a request. Resolves with all bytes until the connection closes. The client ends its half when `done` resolves.
 */
function exchange(port: number, request: Buffer, done: () => Promise<void>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tcp = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => reject(new Error('the connection did not close')), LONGEST_WAIT);
    tcp.on('data', (chunk) => void chunks.push(chunk));
    // a server that resets the connection during the write has responded, too
    tcp.on('error', () => undefined);
    tcp.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks));
    });
    tcp.write(request, () => void done().then(() => tcp.end(), reject));
  });
}

function checkAnswer(response: HttpResponse, request: string): void {
  // a selected subprotocol may contain the client's text
  const head = response.head.replace(/^Sec-WebSocket-Protocol: .*$/m, '');
  check(!head.includes(CANARY), 'a header repeats the client', response.head, request);
  if (!response.body.includes(CANARY)) return;
  const { message } = JSON.parse(response.body) as { message: string };
  check(PLATFORM_MESSAGE.test(message), 'the body repeats the client', response.body, request);
}

function checkOpened(response: HttpResponse, request: string, rest: Buffer): void {
  const handshake = readHandshake(request);
  check(typeof handshake !== 'string', 'connected without a valid handshake', handshake, request);
  check(PATHS.test(plain(handshake.path)), 'connected on an unknown path', handshake.path);
  const isGuarded = plain(handshake.path).includes('guarded');
  check(!isGuarded || TOKEN.test(request), 'connected without a token', request);
  const { headers } = response;
  check(
    headers.get('sec-websocket-accept') === acceptOf(handshake),
    'another accept',
    response.head,
    request,
  );
  check(headers.get('sec-websocket-extensions') === undefined, 'an extension', response.head);
  const selected = headers.get('sec-websocket-protocol');
  const offered = offeredBy(handshake);
  check(
    selected === undefined || offered.includes(selected),
    'selected a subprotocol that was not offered',
    response.head,
  );
  const isSupported = selected === undefined || selected === 'envelope.v1' || selected === 'bearer';
  check(isSupported, 'selected a subprotocol that it does not support', response.head, request);
  readServerFrames(rest);
}

describe('random upgrade requests over raw TCP', () => {
  expectNoUnhandledErrors();

  fuzzConnections(
    'receive a valid response or none, and connect only with a valid handshake',
    400,
    async () => {
      const app = await startApp(
        { providers: [OpenGateway, RoomGateway, NamespaceGateway, GuardedGateway] },
        { adapter: { pingInterval: 0, limits: { messagesPerSecond: false } } },
      );
      const probe = await app.connect('/ws');
      const server = app.adapter.create(0, { path: '/ws' });
      const isServed = async (): Promise<void> => {
        const token = `${Math.random()}`;
        check((await probe.ask('echo', token)).data === token, 'the probe received no response');
        probe.frames.length = 0;
      };
      const run = async (random: Random): Promise<void> => {
        const bytes = Buffer.from(randomUpgrade(random, `127.0.0.1:${app.port}`), 'latin1');
        const request = bytes.toString('latin1');
        // the client ends its half at once, or after a round trip of the probe
        const done = random.chance(0.3) ? () => Promise.resolve() : isServed;
        const { responses, rest } = readResponses(await exchange(app.port, bytes, done));
        for (const response of responses) checkAnswer(response, request);
        const last = responses.at(-1);
        if (last?.status === 101) checkOpened(last, request, rest);
      };
      const finish = async (): Promise<void> => {
        await until('all connections to close', () => server.sockets.size === 1);
        await isServed();
        expect(app.log.of('error')).toEqual([]);
      };
      return { run, finish };
    },
  );
});
