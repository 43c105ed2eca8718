import { IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Type } from '@nestjs/common';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeOptions, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The fields that a rebuilt request has to repeat. */
const FIELDS = ['method', 'url', 'httpVersion', 'rawHeaders', 'headers', 'complete'] as const;
const fields = (request: IncomingMessage): unknown[] => FIELDS.map((field) => request[field]);

let inspectRequest: (client: EnvelopeSocket) => void = () => undefined;
let original: { request: WeakRef<IncomingMessage>; fields: unknown[] };
let rebuilt: IncomingMessage;
let knownUser: unknown;
const users = new WeakMap<IncomingMessage, string>();

class Gateway {
  @SubscribeMessage('inspectRequest')
  inspectRequest(@ConnectedSocket() client: EnvelopeSocket): boolean {
    rebuilt = client.request;
    knownUser = users.get(rebuilt);
    return client.request === rebuilt;
  }
}

/** Does not receive the request. The test reads it from a private field. */
@WebSocketGateway({ path: '/ws' })
class ClientGateway extends Gateway {
  handleConnection(client: EnvelopeSocket): void {
    const request = Reflect.get(client._upgrade, 'upgrade') as IncomingMessage;
    original = { request: new WeakRef(request), fields: structuredClone(fields(request)) };
    inspectRequest(client);
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

interface Setup {
  gateway?: Type;
  adapter?: EnvelopeOptions;
  headers?: Record<string, string | string[]>;
}

/** Connects and runs `inspector` in handleConnection. @returns whether the request was garbage collected */
async function connectAndInspect(
  inspector: typeof inspectRequest,
  { gateway = ClientGateway, adapter = {}, headers = {} }: Setup = {},
): Promise<boolean> {
  inspectRequest = inspector;
  const app = await startApp({ providers: [gateway] }, { adapter });
  const client = await app.connect('/ws?room=1', { headers: headers as Record<string, string> });
  const first = original;
  // Nest keeps a reference to the last arguments of the hooks; a second client replaces them.
  inspectRequest = () => undefined;
  await app.connect('/ws');
  original = first;
  for (let turn = 0; turn < 3; turn++) {
    // A WeakRef keeps its target alive until the end of the turn in which it was read.
    await new Promise(setImmediate);
    collectGarbage();
  }
  const isReleased = original.request.deref() === undefined;
  expect((await client.ask('inspectRequest')).data).toBe(true);
  if (!isReleased) expect(rebuilt).toBe(original.request.deref());
  return isReleased;
}

const requestOf = (client: EnvelopeSocket): IncomingMessage =>
  Reflect.get(client._upgrade, 'upgrade') as IncomingMessage;

describe('the upgrade request of a connected client', () => {
  it('is released if no code received it, and rebuilt completely on access', async () => {
    const headers = { Cookie: 'a=1; b=2', 'X-Custom': 'yes' };
    expect(await connectAndInspect(() => undefined, { headers })).toBe(true);
    expect(fields(rebuilt)).toEqual(original.fields);
    expect(rebuilt.headersDistinct).toMatchObject({ 'x-custom': ['yes'], cookie: ['a=1; b=2'] });
    expect(rebuilt).toBeInstanceOf(IncomingMessage);
    expect(rebuilt.socket.remoteAddress).toBe('127.0.0.1');
  });

  it.each([RequestGateway, RestGateway])(
    'is kept if handleConnection takes it as a parameter (%p)',
    async (gateway) => {
      expect(await connectAndInspect(() => undefined, { gateway })).toBe(false);
      expect(knownUser).toBe('ada');
    },
  );

  it('is kept if a check of the application received it', async () => {
    const verifyClient = ({ req }: { req: IncomingMessage }): boolean => users.set(req, 'bob') !== undefined;
    expect(await connectAndInspect(() => undefined, { adapter: { verifyClient } })).toBe(false);
    expect(knownUser).toBe('bob');
  });

  it('is kept if the application read it or the handshake, which shares its headers', async () => {
    expect(await connectAndInspect((client) => void client.request)).toBe(false);
    expect(await connectAndInspect((client) => void client.handshake)).toBe(false);
  });

  it('is kept if the application changed it', async () => {
    const symbol = Symbol('mark');
    expect(await connectAndInspect((client) => Reflect.set(requestOf(client), 'user', 'ada'))).toBe(false);
    expect(await connectAndInspect((client) => Reflect.set(requestOf(client), symbol, 1))).toBe(false);
    expect(await connectAndInspect((client) => (requestOf(client).headers['x-real'] = 'other'))).toBe(false);
    expect(await connectAndInspect((client) => requestOf(client).on('close', () => undefined))).toBe(false);
  });

  it('is kept if a header occurs twice, because only Node can join the values', async () => {
    expect(await connectAndInspect(() => undefined, { headers: { 'X-Many': ['1', '2'] } })).toBe(false);
    expect(rebuilt.headers['x-many']).toBe('1, 2');
    const headers = { 'User-Agent': ['same', 'same'] };
    expect(await connectAndInspect(() => undefined, { headers })).toBe(false);
    expect(rebuilt.headersDistinct['user-agent']).toEqual(['same', 'same']);
  });
});
