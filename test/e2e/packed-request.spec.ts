import { IncomingMessage } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What a request says. */
const FIELDS = ['method', 'url', 'httpVersion', 'rawHeaders', 'headers', 'complete'] as const;
const said = (request: IncomingMessage): unknown[] => FIELDS.map((field) => request[field]);

let look: (client: EnvelopeSocket, request: IncomingMessage & { user?: string }) => void = () => undefined;
let arrived: { request: WeakRef<IncomingMessage>; said: unknown[] };
let later: IncomingMessage;

@WebSocketGateway({ path: '/ws' })
class LookingGateway {
  handleConnection(client: EnvelopeSocket, request: IncomingMessage): void {
    arrived = { request: new WeakRef(request), said: structuredClone(said(request)) };
    look(client, request);
  }

  @SubscribeMessage('look')
  look(@ConnectedSocket() client: EnvelopeSocket): boolean {
    later = client.request;
    return client.request === later;
  }
}

/** @returns whether the request was let go meanwhile */
async function comeAndLook(
  looking: typeof look,
  headers: Record<string, string | string[]> = {},
): Promise<boolean> {
  look = looking;
  const app = await startApp({ providers: [LookingGateway] });
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

describe('the request of a client that is in', () => {
  it('is not kept where nobody has asked for it, and is made again, all of it, for who does', async () => {
    expect(await comeAndLook(() => undefined, { Cookie: 'a=1; b=2', 'X-Custom': 'yes' })).toBe(true);
    expect(said(later)).toEqual(arrived.said);
    expect(later.headersDistinct).toMatchObject({ 'x-custom': ['yes'], cookie: ['a=1; b=2'] });
    expect(later).toBeInstanceOf(IncomingMessage);
    expect(later.socket.remoteAddress).toBe('127.0.0.1');
  });

  it('is the very same for who has kept it', async () => {
    const kept: IncomingMessage[] = [];
    expect(await comeAndLook((_, request) => void kept.push(request))).toBe(false);
    expect(later).toBe(kept[0]);
  });

  it('is kept where it was asked for, or the handshake, whose headers are its own', async () => {
    expect(await comeAndLook((client) => void client.request)).toBe(false);
    expect(await comeAndLook((client) => void client.handshake)).toBe(false);
  });

  it('is kept where something was written on it, as passports and request-scoped providers do', async () => {
    expect(await comeAndLook((_, request) => (request.user = 'ada'))).toBe(false);
    const mark = (request: object): object => Object.defineProperty(request, Symbol('mark'), { value: 1 });
    expect(await comeAndLook((_, request) => void mark(request))).toBe(false);
    expect(await comeAndLook((_, request) => (request.headers['x-real'] = 'other'))).toBe(false);
  });

  it('is kept where somebody listens to it', async () => {
    expect(await comeAndLook((_, request) => request.on('close', () => undefined))).toBe(false);
  });

  it('is kept where a header came twice, which only Node knows how to join', async () => {
    expect(await comeAndLook(() => undefined, { 'X-Many': ['1', '2'] })).toBe(false);
    expect(later.headers['x-many']).toBe('1, 2');
  });
});
