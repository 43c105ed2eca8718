import { WebSocket } from 'ws';
import { connect } from '../../lib/client/node.js';
import { client, connected, next, startServer } from './fixture.js';
import { TokenGuard } from './fixture-gateway.js';
import { coded } from '../support/error-code.js';

describe('a client', () => {
  it('reads the status of a refusal through a WebSocket class of the application, too', async () => {
    TokenGuard.tokens.clear();
    TokenGuard.tokens.set('token', { id: 'ada' });
    const { guarded } = await startServer();
    let authorization = 'Bearer wrong';
    class SocketWithHeaders extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { authorization } });
      }
    }
    const socket = client(guarded, { WebSocket: SocketWithHeaders });
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
  ])('throws an error that shows the invalid URL %p', (url, shown) => {
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
  ])('throws an error that names the invalid option in %p', (options, error) => {
    expect(() => connect('ws://127.0.0.1:1/', options as object)).toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', `connect: ${error}`),
    );
  });

  it('includes the cause of a failed connection if the platform reports it', async () => {
    const [error] = await next(client('ws://127.0.0.1:1/'), 'connect_error');
    expect(String(error)).toContain('ECONNREFUSED');
  });

  it('requests no credentials in reauthenticate() without a connection', async () => {
    const { guarded } = await startServer();
    let asked = 0;
    const auth = (): string => `token ${++asked}`;
    const socket = client(guarded, { autoConnect: false, auth });
    await expect(socket.reauthenticate()).rejects.toMatchObject({ name: 'DisconnectedError' });
    expect(asked).toBe(0);
  });

  it('treats a close without a status code as a normal close, like the server', async () => {
    const { gateway, url } = await startServer();
    const socket = await connected(url);
    const disconnected = next(socket, 'disconnect');
    gateway.last.ws.close();
    expect(await disconnected).toEqual([
      'io server disconnect',
      expect.objectContaining({ willReconnect: false }),
    ]);
    expect(socket.state).toBe('closed');
  });

  it('reports willReconnect: false if it disconnects in a state listener during the failure', async () => {
    const socket = client('ws://127.0.0.1:1/');
    socket.onState((state) => state === 'waiting' && socket.disconnect());
    const [error] = await next(socket, 'connect_error');
    expect(error).toMatchObject({ willReconnect: false });
  });
});
