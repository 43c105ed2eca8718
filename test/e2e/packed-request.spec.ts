import type { IncomingMessage } from 'node:http';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';

/** What was there when the client came, and what it has later. */
interface Seen {
  arrived: IncomingMessage;
  later: IncomingMessage;
}

let look: (client: EnvelopeSocket, request: IncomingMessage & { user?: string }) => void;
let seen: Seen[] = [];

@WebSocketGateway({ path: '/ws' })
class LookingGateway {
  private readonly arrived = new WeakMap<EnvelopeSocket, IncomingMessage>();

  handleConnection(client: EnvelopeSocket, request: IncomingMessage): void {
    this.arrived.set(client, request);
    look(client, request);
  }

  @SubscribeMessage('look')
  look(@ConnectedSocket() client: EnvelopeSocket): string {
    seen.push({ arrived: this.arrived.get(client)!, later: client.request });
    return client.request === client.request ? 'the same' : 'another';
  }
}

async function comeAndLook(headers: Record<string, string | string[]> = {}): Promise<Seen> {
  const app = await startApp({ providers: [LookingGateway] });
  const client = await app.connect('/ws?room=1', { headers: headers as Record<string, string> });
  expect((await client.ask('look')).data).toBe('the same');
  return seen[0]!;
}

beforeEach(() => {
  look = () => undefined;
  seen = [];
});

describe('the request of a client that is in', () => {
  it('is not kept where nobody has looked at it, and is made again, all of it, for who does', async () => {
    const { arrived, later } = await comeAndLook({ Cookie: 'a=1; b=2', 'X-Custom': 'yes' });
    expect(later).not.toBe(arrived);
    expect(later.constructor).toBe(arrived.constructor);
    const fields = ['method', 'url', 'httpVersion', 'rawHeaders', 'headers', 'socket', 'complete'] as const;
    for (const field of fields) expect([field, later[field]]).toEqual([field, arrived[field]]);
    expect(later.httpVersionMajor + later.httpVersionMinor).toBe(2);
    expect(later.headersDistinct['x-custom']).toEqual(arrived.headersDistinct['x-custom']);
  });

  it('is kept where something was written on it, as passports do', async () => {
    look = (_, request) => (request.user = 'ada');
    const { arrived, later } = await comeAndLook();
    expect(later).toBe(arrived);
  });

  it('is kept where a symbol was, as request-scoped providers do', async () => {
    look = (_, request) => Object.defineProperty(request, Symbol('context'), { value: 1 });
    const { arrived, later } = await comeAndLook();
    expect(later).toBe(arrived);
  });

  it('is kept where its headers were changed', async () => {
    look = (_, request) => (request.headers['x-real'] = 'other');
    const { arrived, later } = await comeAndLook();
    expect(later).toBe(arrived);
  });

  it('is kept where somebody listens to it', async () => {
    look = (_, request) => request.on('close', () => undefined);
    const { arrived, later } = await comeAndLook();
    expect(later).toBe(arrived);
  });

  it('is kept where the handshake was read, whose headers are its own', async () => {
    look = (client) => void client.handshake;
    const { arrived, later } = await comeAndLook();
    expect(later).toBe(arrived);
  });

  it('is kept where a header came twice, which only Node knows how to join', async () => {
    const { arrived, later } = await comeAndLook({ 'X-Many': ['1', '2'] });
    expect(later).toBe(arrived);
    expect(later.headers['x-many']).toBe('1, 2');
  });
});
