import { startBareApp } from '../support/bare-gateway.js';
import { until } from '../support/wait.js';

describe('the engine of Socket.IO', () => {
  it('exposes the connection in client.conn as Engine.IO does', async () => {
    const { server, join } = await startBareApp();
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
    await until('the disconnect', () => server.engine.clientsCount === 1);
    expect(socket.conn.readyState).toBe('closed');
  });

  it('emits "close" with the reason, "heartbeat" for a pong, "drain" and "error" on client.conn', async () => {
    const { app, gateway, join } = await startBareApp();
    const [ada] = await join(1);
    const calls: unknown[] = [];
    const { conn } = ada!.socket;
    conn.on('heartbeat', (...args: unknown[]) => calls.push(['heartbeat', ...args]));
    conn.once('close', (reason: string) => calls.push(['close', reason]));
    conn.on('error', (error: Error) => calls.push(['error', error.message]));
    const removed = (): number => calls.push('removed');
    conn.addListener('close', removed);
    conn.off('close', removed);
    ada!.client.ws.pong();
    await until('the pong', () => calls.length === 1);
    ada!.client.ws.close(1001);
    await until('the disconnect', () => gateway.disconnected.length === 1);
    expect(calls).toEqual([['heartbeat'], ['close', 'transport close']]);
    expect(app.log.of('debug').filter((line) => line.includes('never calls'))).toEqual([]);
  });

  it('keeps the connection when a listener of client.conn throws or rejects', async () => {
    const { app, server, join } = await startBareApp();
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

  it('ignores listeners of events that only Engine.IO emits and logs one debug line for each name', async () => {
    const { app, server, join } = await startBareApp();
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

  it('ends the connection in client.conn.close()', async () => {
    const { join } = await startBareApp();
    const [ada] = await join(1);
    ada!.socket.conn.close();
    expect((await ada!.client.ended()).code).toBe(1000);
  });
});

describe('the emitters of Socket.IO', () => {
  it('listens and emits on server.sockets as on the namespace', async () => {
    const { server, join } = await startBareApp();
    const calls: string[] = [];
    const listener = (): number => calls.push('on');
    server.sockets.on('connection', listener);
    server.sockets.once('connection', () => calls.push('once'));
    expect(server.sockets.listenerCount('connection')).toBe(server.listenerCount('connection'));
    expect(server.sockets.listeners('connection')).toContain(listener);
    const [ada] = await join(2);
    server.sockets.off('connection', listener);
    await join(1);
    expect(calls).toEqual(['on', 'once', 'on']);
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

  it('counts, removes and prepends listeners of a client', async () => {
    const { join } = await startBareApp();
    const [ada] = await join(1);
    const { socket, client } = ada!;
    const calls: string[] = [];
    const second = (): number => calls.push('second');
    expect([socket.listenerCount('said'), socket.listeners('close'), socket.eventNames()]).toEqual([
      0,
      [],
      [],
    ]);
    socket.addListener('said', second);
    socket.prependListener('said', () => calls.push('first'));
    socket.on('close', second);
    client.send({ event: 'said' });
    await client.settled();
    expect(calls).toEqual(['first', 'second']);
    expect(socket.listenerCount('said')).toBe(2);
    expect(socket.listeners('close')).toEqual([second]);
    expect(socket.eventNames()).toEqual(['close', 'said']);
    socket.removeListener('said', second).removeAllListeners('close');
    client.send({ event: 'said' });
    await client.settled();
    expect(calls).toEqual(['first', 'second', 'first']);
    socket.removeAllListeners();
    expect(socket.eventNames()).toEqual([]);
  });

  it('raises the leak warning threshold in client.setMaxListeners', async () => {
    const { join } = await startBareApp();
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

  it('returns a promise from join and leave', async () => {
    const { join } = await startBareApp({ limits: { maxRooms: 2 } });
    const [ada] = await join(1);
    await ada!.socket.join('red');
    await expect(ada!.socket.join('blue')).rejects.toThrow('2 rooms');
    const left: Promise<void> | void = ada!.socket.leave('red');
    await left;
    expect([...ada!.socket.rooms]).toEqual([ada!.socket.id]);
  });
});
