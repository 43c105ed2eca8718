import { startPlain } from '../../support/bare-gateway.js';
import { until } from '../../support/wait.js';

describe("Socket.IO's engine", () => {
  it('client.conn shows the connection as Engine.IO does', async () => {
    const { server, join } = await startPlain();
    const [ada] = await join(1);
    const { socket } = ada!;
    expect(socket.conn).toMatchObject({
      id: socket.id,
      remoteAddress: '127.0.0.1',
      protocol: 4,
      readyState: 'open',
      transport: { name: 'websocket' },
      upgraded: true,
    });
    expect(socket.conn).toBe(socket.client.conn);
    expect(socket.client.request.headers).toBe(socket.handshake.headers);
    expect(socket.client.id).toBe(socket.id);
    expect(socket.conn.server.clientsCount).toBe(1);
    await join(1);
    expect(server.engine.clientsCount).toBe(2);
    expect(server.engine.opts).toBeUndefined();
    ada!.client.close();
    await until('its end', () => server.engine.clientsCount === 1);
    expect(socket.conn.readyState).toBe('closed');
  });

  it('client.conn emits "close" with the reason, "heartbeat" at a pong, "drain" and "error"', async () => {
    const { app, gateway, join } = await startPlain();
    const [ada] = await join(1);
    const heard: unknown[] = [];
    const { conn } = ada!.socket;
    conn.on('heartbeat', (...args: unknown[]) => heard.push(['heartbeat', ...args]));
    conn.once('close', (reason: string) => heard.push(['close', reason]));
    conn.on('error', (error: Error) => heard.push(['error', error.message]));
    const unheard = (): number => heard.push('unheard');
    conn.addListener('close', unheard);
    conn.off('close', unheard);
    ada!.client.ws.pong();
    await until('the pong', () => heard.length === 1);
    ada!.client.ws.close(1001);
    await until('its end', () => gateway.disconnected.length === 1);
    expect(heard).toEqual([['heartbeat'], ['close', 'transport close']]);
    expect(app.log.of('debug').filter((line) => line.includes('never calls'))).toEqual([]);
  });

  it('client.conn: a listener that throws, or whose promise rejects, ends nothing', async () => {
    const { app, server, join } = await startPlain();
    const [ada] = await join(1);
    ada!.socket.conn.on('heartbeat', () => {
      throw new Error('thrown');
    });
    ada!.socket.conn.on('heartbeat', () => Promise.reject(new Error('rejected')));
    ada!.socket.conn.prependListener('heartbeat', () => Promise.reject(new Error('rejected first')));
    ada!.client.ws.pong();
    await until('the errors', () => app.log.of('error').length === 2);
    await ada!.client.settled();
    expect(server.sockets.size).toBe(1);
  });

  it("listeners to Engine.IO's own events are ignored, with one line at level debug for each name", async () => {
    const { app, server, join } = await startPlain();
    server.on('connection', (client) => {
      for (const event of ['upgrade', 'packet', 'packetCreate']) client.conn.on(event, () => undefined);
      client.client.conn.once('upgrade', () => undefined);
    });
    for (const event of ['connection_error', 'headers', 'connection_error'])
      server.engine.on(event, () => undefined).off(event, () => undefined);
    server.engine.once('headers', () => undefined).removeAllListeners();
    const pairs = await join(2);
    expect(pairs.map(({ socket }) => socket.connected)).toEqual([true, true]);
    const lines = app.log.of('debug').filter((line) => line.includes('never calls its listener'));
    expect(lines.map((line) => line.slice(0, line.indexOf(' ')))).toEqual([
      "server.engine.on('connection_error')",
      "server.engine.on('headers')",
      "client.conn.on('upgrade')",
      "client.conn.on('packet')",
      "client.conn.on('packetCreate')",
    ]);
    expect(app.log.of('warn')).toEqual([]);
  });

  it('client.conn.close() ends the connection', async () => {
    const { join } = await startPlain();
    const [ada] = await join(1);
    ada!.socket.conn.close();
    expect((await ada!.client.ended()).code).toBe(1000);
  });
});

describe("Socket.IO's emitters", () => {
  it('server.sockets listens and sends as the namespace does', async () => {
    const { server, join } = await startPlain();
    const heard: string[] = [];
    const listener = (): number => heard.push('on');
    server.sockets.on('connection', listener);
    server.sockets.once('connection', () => heard.push('once'));
    expect(server.sockets.listenerCount('connection')).toBe(server.listenerCount('connection'));
    expect(server.sockets.listeners('connection')).toContain(listener);
    const [ada] = await join(2);
    server.sockets.off('connection', listener);
    await join(1);
    expect(heard).toEqual(['on', 'once', 'on']);
    server.sockets.addListener('reload', listener);
    expect(server.eventNames()).toContain('reload');
    server.sockets.removeAllListeners('reload');
    expect(server.sockets.listenerCount('reload')).toBe(0);
    server.sockets.setMaxListeners(1).emit('all', 1);
    expect((await ada!.client.next('all')).data).toBe(1);
    server.send('hello');
    expect(await ada!.client.next('message')).toEqual({ event: 'message', data: 'hello' });
    server.sockets.removeAllListeners();
    expect(server.eventNames()).toEqual([]);
  });

  it("a client's listeners are counted, removed and put in front", async () => {
    const { join } = await startPlain();
    const [ada] = await join(1);
    const { socket, client } = ada!;
    const heard: string[] = [];
    const second = (): number => heard.push('second');
    expect([socket.listenerCount('said'), socket.listeners('close'), socket.eventNames()]).toEqual([
      0,
      [],
      [],
    ]);
    socket.addListener('said', second);
    socket.prependListener('said', () => heard.push('first'));
    socket.on('close', second);
    client.send({ event: 'said' });
    await client.settled();
    expect(heard).toEqual(['first', 'second']);
    expect(socket.listenerCount('said')).toBe(2);
    expect(socket.listeners('close')).toEqual([second]);
    expect(socket.eventNames()).toEqual(['close', 'said']);
    socket.removeListener('said', second).removeAllListeners('close');
    client.send({ event: 'said' });
    await client.settled();
    expect(heard).toEqual(['first', 'second', 'first']);
    socket.removeAllListeners();
    expect(socket.eventNames()).toEqual([]);
  });

  it('client.setMaxListeners: so many listeners of one event are no leak', async () => {
    const { join } = await startPlain();
    const [ada] = await join(1);
    const warnings: Error[] = [];
    const warned = (warning: Error): number => warnings.push(warning);
    process.on('warning', warned);
    ada!.socket.setMaxListeners(20);
    for (let i = 0; i < 20; i++) ada!.socket.on('said', () => undefined).on('close', () => undefined);
    await ada!.client.settled();
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });

  it('a join that nobody awaits is a promise all the same', async () => {
    const { join } = await startPlain({ limits: { maxRooms: 2 } });
    const [ada] = await join(1);
    await ada!.socket.join('red');
    await expect(ada!.socket.join('blue')).rejects.toThrow('2 rooms');
    const left: Promise<void> | void = ada!.socket.leave('red');
    await left;
    expect([...ada!.socket.rooms]).toEqual([ada!.socket.id]);
  });
});
