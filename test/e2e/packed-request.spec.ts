import { IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Type } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What a request says. */
const FIELDS = ['method', 'url', 'httpVersion', 'rawHeaders', 'headers', 'complete'] as const;
const said = (request: IncomingMessage): unknown[] => FIELDS.map((field) => request[field]);

let look: (client: EnvelopeSocket) => void = () => undefined;
let arrived: { request: WeakRef<IncomingMessage>; said: unknown[] };
let later: IncomingMessage;
let known: unknown;
const users = new WeakMap<IncomingMessage, string>();

class Gateway {
  @SubscribeMessage('look')
  look(@ConnectedSocket() client: EnvelopeSocket): boolean {
    later = client.request;
    known = users.get(later);
    return client.request === later;
  }
}

/** Sees no request, but for the test's own eyes. */
@WebSocketGateway({ path: '/ws' })
class ClientGateway extends Gateway {
  handleConnection(client: EnvelopeSocket): void {
    const request = Reflect.get(client, 'upgrade') as IncomingMessage;
    arrived = { request: new WeakRef(request), said: structuredClone(said(request)) };
    look(client);
  }
}

@WebSocketGateway({ path: '/ws' })
class RequestGateway extends ClientGateway {
  override handleConnection(client: EnvelopeSocket, request?: IncomingMessage): void {
    users.set(request!, 'ada');
    super.handleConnection(client);
  }
}

@WebSocketGateway({ path: '/ws' })
class RestGateway extends ClientGateway {
  override handleConnection(...args: [EnvelopeSocket]): void {
    users.set((args as unknown[])[1] as IncomingMessage, 'ada');
    super.handleConnection(...args);
  }
}

interface Visit {
  gateway?: Type;
  adapter?: EnvelopeOptions;
  headers?: Record<string, string | string[]>;
}

/** @returns whether the request was let go meanwhile */
async function comeAndLook(
  looking: typeof look,
  { gateway = ClientGateway, adapter = {}, headers = {} }: Visit = {},
): Promise<boolean> {
  look = looking;
  const app = await startApp({ providers: [gateway] }, { adapter });
  const client = await app.connect('/ws?room=1', { headers: headers as Record<string, string> });
  const first = arrived;
  // Nest keeps what it told gateways last
  look = () => undefined;
  await app.connect('/ws');
  arrived = first;
  for (let turn = 0; turn < 3; turn++) {
    // a WeakRef keeps what it gave until the turn is over
    await new Promise(setImmediate);
    collectGarbage();
  }
  const isGone = arrived.request.deref() === undefined;
  expect((await client.ask('look')).data).toBe(true);
  if (!isGone) expect(later).toBe(arrived.request.deref());
  return isGone;
}

const requestOf = (client: EnvelopeSocket): IncomingMessage =>
  Reflect.get(client, 'upgrade') as IncomingMessage;

describe('the request of a client that is in', () => {
  it('is not kept where nobody was given it, and is made again, all of it, for who asks', async () => {
    const headers = { Cookie: 'a=1; b=2', 'X-Custom': 'yes' };
    expect(await comeAndLook(() => undefined, { headers })).toBe(true);
    expect(said(later)).toEqual(arrived.said);
    expect(later.headersDistinct).toMatchObject({ 'x-custom': ['yes'], cookie: ['a=1; b=2'] });
    expect(later).toBeInstanceOf(IncomingMessage);
    expect(later.socket.remoteAddress).toBe('127.0.0.1');
  });

  it.each([RequestGateway, RestGateway])(
    'is kept where handleConnection takes it, for what it knows of it (%p)',
    async (gateway) => {
      expect(await comeAndLook(() => undefined, { gateway })).toBe(false);
      expect(known).toBe('ada');
    },
  );

  it('is kept where a check of the application was given it', async () => {
    const verifyClient = ({ req }: { req: IncomingMessage }): boolean => users.set(req, 'bob') !== undefined;
    expect(await comeAndLook(() => undefined, { adapter: { verifyClient } })).toBe(false);
    expect(known).toBe('bob');
  });

  it('is kept where it was asked for, or the handshake, whose headers are its own', async () => {
    expect(await comeAndLook((client) => void client.request)).toBe(false);
    expect(await comeAndLook((client) => void client.handshake)).toBe(false);
  });

  it('is kept where something was written on it', async () => {
    const symbol = Symbol('mark');
    expect(await comeAndLook((client) => Reflect.set(requestOf(client), 'user', 'ada'))).toBe(false);
    expect(await comeAndLook((client) => Reflect.set(requestOf(client), symbol, 1))).toBe(false);
    expect(await comeAndLook((client) => (requestOf(client).headers['x-real'] = 'other'))).toBe(false);
    expect(await comeAndLook((client) => requestOf(client).on('close', () => undefined))).toBe(false);
  });

  it('is kept where a header came twice, which only Node knows how to join', async () => {
    expect(await comeAndLook(() => undefined, { headers: { 'X-Many': ['1', '2'] } })).toBe(false);
    expect(later.headers['x-many']).toBe('1, 2');
    const headers = { 'User-Agent': ['same', 'same'] };
    expect(await comeAndLook(() => undefined, { headers })).toBe(false);
    expect(later.headersDistinct['user-agent']).toEqual(['same', 'same']);
  });
});
