import { WebSocket } from 'ws';
import { connect } from '../../lib/client/node.js';
import { client, connected, next, startTalk } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';

describe('a client', () => {
  it('learns how it was refused through a socket of the application, too, which has headers of its own', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('token', { id: 'ada' });
    const { guarded } = await startTalk();
    let authorization = 'Bearer wrong';
    class Carrying extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { authorization } });
      }
    }
    const socket = client(guarded, { WebSocket: Carrying });
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ status: 403, willReconnect: false });
    authorization = 'Bearer token';
    socket.connect();
    await next(socket, 'connect');
    expect(await socket.emitWithAck('whoami' as never)).toEqual({ id: 'ada' });
  });

  it.each([
    ['/ws', '"/ws"'],
    ['example', '"example"'],
    ['', '""'],
    ['ftp://example.com/', '"ftp://example.com/"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
  ])('says what is wrong with the URL %p', (url, shown) => {
    expect(() => connect(url as string)).toThrow(
      new TypeError(
        `connect: url is ${shown}: it takes an absolute ws:// or wss:// URL, or in a page the path of its server`,
      ),
    );
  });

  it.each([
    [{ pingIntervall: 1 }, 'unknown option "pingIntervall". Valid names: autoConnect, '],
    [{ pingInterval: '25s' }, 'pingInterval is 25s: it takes a number from 0 on'],
    [{ pingTimeout: -1 }, 'pingTimeout is -1: it takes a number from 0 on'],
    [{ ackTimeout: NaN }, 'ackTimeout is NaN: it takes a number from 0 on'],
    [{ maxQueued: null }, 'maxQueued is null: it takes a number from 0 on'],
    [{ reconnection: 'no' }, 'reconnection is no: it takes a boolean'],
    [{ auth: 7 }, 'auth is 7: it takes a string, object or function'],
    [{ WebSocket: {} }, 'WebSocket is [object Object]: it takes a function'],
  ])('says what is wrong with the options %p', (options, error) => {
    expect(() => connect('ws://127.0.0.1:1/', options as object)).toThrow(`connect: ${error}`);
  });

  it('says why it could not connect, as far as its platform does', async () => {
    const [error] = await next(client('ws://127.0.0.1:1/'), 'connect_error');
    expect(String(error)).toContain('ECONNREFUSED');
  });

  it('shows no fresh credentials where there is no line: the next one will', async () => {
    const { guarded } = await startTalk();
    let asked = 0;
    const auth = (): string => `token ${++asked}`;
    const socket = client(guarded, { autoConnect: false, auth });
    await expect(socket.reauthenticate()).rejects.toMatchObject({ name: 'DisconnectedError' });
    expect(asked).toBe(0);
  });

  it('takes an end without a code for a goodbye, as the server does', async () => {
    const { talk, url } = await startTalk();
    const socket = await connected(url);
    const gone = next(socket, 'disconnect');
    talk.last.ws.close();
    expect(await gone).toEqual(['io server disconnect', expect.objectContaining({ willReconnect: false })]);
    expect(socket.state).toBe('closed');
  });

  it('that gives up while it is told of a failure does not say that it will come back', async () => {
    const socket = client('ws://127.0.0.1:1/');
    socket.onState((state) => state === 'waiting' && socket.disconnect());
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ willReconnect: false });
  });
});
