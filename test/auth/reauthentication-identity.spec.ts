import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

const bare = (text: string): object => Object.assign(Object.create(null) as object, { text });
const circle = (): object => {
  const made: { self?: object } = {};
  made.self = made;
  return made;
};
const USERS: Record<string, unknown> = {
  ada: { id: { tenant: 'red', number: 1 } },
  'ada again': { id: { tenant: 'red', number: 1 } },
  bob: { id: { tenant: 'red', number: 2 } },
  'bare ada': { id: bare('ada') },
  'bare bob': { id: bare('bob') },
  endless: { id: circle() },
};
let sockets: EnvelopeSocket[] = [];

/** Where the guard leaves the user. */
type Place = 'client' | 'handshake' | 'request';
let place: Place = 'client';
const placeOf = (client: EnvelopeSocket): { user?: unknown } =>
  place === 'client' ? client : (client[place] as { user?: unknown });

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client: EnvelopeSocket = context.switchToWs().getClient();
    placeOf(client).user = USERS[String(client.handshake.auth['name'])];
    return true;
  }
}

@WebSocketGateway({ path: '/ws' })
class UserGateway {
  @UseGuards(UserGuard)
  handleConnection(client: EnvelopeSocket): void {
    sockets.push(client);
  }
}

expectNoUnhandledErrors();
beforeEach(() => {
  sockets = [];
  place = 'client';
});

/** Connects as one and presents itself as another. @returns what the client is told */
async function ask(first: string, second: string): Promise<unknown> {
  const app = await startApp({ providers: [UserGateway] });
  const auth = Buffer.from(JSON.stringify({ name: first })).toString('base64url');
  const client = await app.connect('/ws', { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
  return (await client.ask('$auth', { name: second })).data;
}

async function become(first: string, second: string): Promise<unknown> {
  const data = await ask(first, second);
  return { data, user: sockets[0]!.user, auth: sockets[0]!.handshake.auth };
}

describe('an identifier that is an object', () => {
  it('is the same by what it holds', async () => {
    const auth = { name: 'ada again' };
    expect(await become('ada', 'ada again')).toEqual({ user: USERS['ada'], auth, data: undefined });
  });

  it.each([
    ['ada', 'bob'],
    ['bare ada', 'bare bob'],
  ])('is another by what it holds', async (first, second) => {
    expect(await become(first, second)).toMatchObject({
      data: { statusCode: 403 },
      user: USERS[first],
      auth: { name: first },
    });
  });

  it('that cannot be compared leaves everything as it was', async () => {
    expect(await become('endless', 'ada')).toMatchObject({
      data: { statusCode: 403 },
      user: USERS['endless'],
      auth: { name: 'endless' },
    });
  });
});

describe.each<Place>(['handshake', 'request'])('a user that a guard leaves in client.%s', (where) => {
  beforeEach(() => {
    place = where;
  });

  it('is the same with a fresh token', async () => {
    expect(await ask('ada', 'ada again')).toBeUndefined();
    expect(placeOf(sockets[0]!).user).toBe(USERS['ada again']);
  });

  it('is not replaced by another one', async () => {
    expect(await ask('ada', 'bob')).toMatchObject({ statusCode: 403 });
    expect(placeOf(sockets[0]!).user).toBe(USERS['ada']);
  });
});
