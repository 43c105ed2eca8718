import { got, startBareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

describe("Socket.IO's allowRequest, data and connected", () => {
  it('accepts or refuses a client in allowRequest before the upgrade', async () => {
    const asked: (string | undefined)[] = [];
    const { app, gateway, join } = await startBareApp({
      allowRequest: (request, callback) => {
        asked.push(request.url);
        const isWelcome = request.url?.includes('welcome') === true;
        setImmediate(() => callback(isWelcome ? null : 'not on the list', isWelcome));
      },
    });
    await join(1, '?welcome');
    await expect(app.connect('/ws?other')).rejects.toThrow('403');
    expect(asked).toEqual(['/ws?welcome', '/ws?other']);
    expect(gateway.connected).toHaveLength(1);
  });

  it('exposes socket.data as a free object in fetchSockets', async () => {
    const { server, join } = await startBareApp();
    const [ada] = await join(1);
    expect(ada!.socket.data).toEqual({});
    ada!.socket.data.user = { name: 'Ada' };
    const [fetched] = await server.fetchSockets();
    expect(fetched!.data).toEqual({ user: { name: 'Ada' } });
    ada!.socket.data = { replaced: true };
    expect((await server.fetchSockets())[0]!.data).toEqual({ replaced: true });
  });

  it('sets socket.connected after the middlewares accept the client and clears it on disconnect', async () => {
    const { server, gateway, join } = await startBareApp();
    const seen: [string, boolean][] = [];
    server.use((socket, next) => {
      seen.push(['middleware', socket.connected]);
      socket.on('disconnecting', () => seen.push(['disconnecting', socket.connected]));
      socket.on('disconnect', () => seen.push(['disconnect', socket.connected]));
      setImmediate(next);
    });
    server.on('connection', (socket) => seen.push(['connection', socket.connected]));
    const [ada] = await join(1);
    ada!.client.close();
    await ada!.client.ended();
    await until('handleDisconnect', () => gateway.disconnected.length === 1);
    expect(seen).toEqual([
      ['middleware', false],
      ['connection', true],
      ['disconnecting', true],
      ['disconnect', false],
    ]);
    expect(ada!.socket.emit('too late')).toBe(false);
    const [bob] = await join(1);
    expect(await got(bob!.client)).toEqual([]);
  });
});
