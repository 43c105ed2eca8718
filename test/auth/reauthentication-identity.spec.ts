import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { expectNoUnhandledErrors } from '../support/unhandled-errors.js';

const withoutPrototype = (text: string): object => Object.assign(Object.create(null) as object, { text });
const circular = (): object => {
  const object: { self?: object } = {};
  object.self = object;
  return object;
};
const USERS: Record<string, unknown> = {
  ada: { id: { tenant: 'red', number: 1 } },
  'ada again': { id: { tenant: 'red', number: 1 } },
  bob: { id: { tenant: 'red', number: 2 } },
  'null-prototype ada': { id: withoutPrototype('ada') },
  'null-prototype bob': { id: withoutPrototype('bob') },
  endless: { id: circular() },
};
let sockets: EnvelopeSocket[] = [];

/** Where the guard stores the user. */
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

/** Connects with one name and sends $auth with another one. @returns the answer */
async function reauthenticate(first: string, second: string): Promise<unknown> {
  const app = await startApp({ providers: [UserGateway] });
  const auth = Buffer.from(JSON.stringify({ name: first })).toString('base64url');
  const client = await app.connect('/ws', { protocols: ['envelope.v1', `envelope.auth.${auth}`] });
  return (await client.ask('$auth', { name: second })).data;
}

async function askAndReadState(first: string, second: string): Promise<unknown> {
  const data = await reauthenticate(first, second);
  return { data, user: sockets[0]!.user, auth: sockets[0]!.handshake.auth };
}

describe('a user id that is an object', () => {
  it('matches by its content', async () => {
    const auth = { name: 'ada again' };
    expect(await askAndReadState('ada', 'ada again')).toEqual({ user: USERS['ada'], auth, data: undefined });
  });

  it.each([
    ['ada', 'bob'],
    ['null-prototype ada', 'null-prototype bob'],
  ])('does not match when its content differs', async (first, second) => {
    expect(await askAndReadState(first, second)).toMatchObject({
      data: { statusCode: 403 },
      user: USERS[first],
      auth: { name: first },
    });
  });

  it('changes nothing when it cannot be compared', async () => {
    expect(await askAndReadState('endless', 'ada')).toMatchObject({
      data: { statusCode: 403 },
      user: USERS['endless'],
      auth: { name: 'endless' },
    });
  });
});

describe.each<Place>(['handshake', 'request'])('a user that a guard sets in client.%s', (name) => {
  beforeEach(() => {
    place = name;
  });

  it('stays the same with a fresh token', async () => {
    expect(await reauthenticate('ada', 'ada again')).toBeUndefined();
    expect(placeOf(sockets[0]!).user).toBe(USERS['ada again']);
  });

  it('is not replaced by another user', async () => {
    expect(await reauthenticate('ada', 'bob')).toMatchObject({ statusCode: 403 });
    expect(placeOf(sockets[0]!).user).toBe(USERS['ada']);
  });
});
