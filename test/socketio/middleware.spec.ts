import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { EnvelopeServer, EnvelopeSocket } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { got, startBareApp } from '../support/bare-gateway.js';
import { deferred, until } from '../support/wait.js';

@WebSocketGateway({ path: '/ws' })
class NotesGateway {
  @WebSocketServer() server!: EnvelopeServer;
  readonly notes: unknown[] = [];
  /** Called with each client in `handleConnection`. */
  prepare: (client: EnvelopeSocket) => void = () => undefined;

  handleConnection(client: EnvelopeSocket): void {
    this.notes.push('connection');
    this.prepare(client);
  }
  handleDisconnect(): void {
    this.notes.push('disconnect');
  }
  @SubscribeMessage('note')
  note(@MessageBody() note: unknown): void {
    this.notes.push(note);
  }
  @SubscribeMessage('ask')
  ask(@MessageBody() data: unknown, @ConnectedSocket() client: EnvelopeSocket): unknown {
    return [client.id, data];
  }
}

@WebSocketGateway({ path: '/other' })
class OtherGateway {
  @WebSocketServer() server!: EnvelopeServer;
}

async function startNotes() {
  const app = await startApp({ providers: [NotesGateway, OtherGateway] });
  const gateway = app.nest.get(NotesGateway);
  const connect = (path = '/ws') => app.connect(path);
  return { app, gateway, connect, other: app.nest.get(OtherGateway) };
}

describe('middlewares of Socket.IO', () => {
  it('runs the middlewares of a namespace in order, with the socket, before "connection"', async () => {
    const { gateway, connect } = await startNotes();
    const { server, notes } = gateway;
    server.use((socket, next) => {
      notes.push(socket instanceof EnvelopeSocket && server.sockets.has(socket.id));
      setImmediate(() => {
        notes.push('first');
        next();
      });
    });
    server.use(async (socket, next) => {
      notes.push(`second, ${socket.handshake.url}`);
      await Promise.resolve();
      next();
    });
    const client = await connect('/ws?x=1');
    await client.settled();
    expect(notes).toEqual([false, 'first', 'second, /ws?x=1', 'connection']);
  });

  it('logs an error that a middleware throws after next(), and keeps the client connected', async () => {
    const { app, gateway, connect } = await startNotes();
    const { server } = gateway;
    server.use((_socket, next) => {
      next();
      throw new Error('too late');
    });
    gateway.prepare = (client) =>
      client.use(async (_event, next) => {
        next();
        throw new Error('later still');
      });
    const client = await connect();
    expect(await client.ask('ask', 'x', 1)).toMatchObject({ data: [expect.any(String), 'x'], ack: 1 });
    await until('both reports', () => app.log.of('error').length === 2);
    expect(app.log.of('error')).toEqual([
      expect.stringContaining('a connection middleware threw after it had called next: too late'),
      expect.stringContaining('a middleware of a socket threw after it had called next: later still'),
    ]);
  });

  it('refuses the client in next(error) and sends it the message and error.data', async () => {
    const { gateway, connect } = await startNotes();
    const { server, notes } = gateway;
    server.use((_socket, next) => next(Object.assign(new Error('banned'), { data: { until: 'noon' } })));
    server.use((_socket, next) => {
      notes.push('never run');
      next();
    });
    const client = await connect();
    expect(await client.ended()).toEqual({ code: 1008, reason: 'banned' });
    expect(client.frames).toEqual([
      {
        event: 'exception',
        data: { status: 'error', code: 'refused', message: 'banned', data: { until: 'noon' } },
      },
    ]);
    expect(notes).toEqual([]);
    expect(server.sockets.size).toBe(0);
  });

  it('refuses the client when a middleware throws or rejects', async () => {
    const { gateway, connect } = await startNotes();
    let fail: () => unknown = () => {
      throw new Error('thrown');
    };
    gateway.server.use(() => fail() as void);
    expect((await (await connect()).ended()).reason).toBe('thrown');
    fail = () => Promise.reject(new Error('rejected'));
    expect((await (await connect()).ended()).reason).toBe('rejected');
    expect(gateway.notes).toEqual([]);
  });

  it('delays "connection" until a slow middleware calls next, and keeps messages that arrive meanwhile', async () => {
    const { gateway, connect } = await startNotes();
    const slow = deferred();
    const began = deferred();
    gateway.server.use((_socket, next) => {
      began.resolve();
      void slow.promise.then(() => next());
    });
    const client = await connect();
    for (const data of [1, 2, 3]) client.send({ event: 'note', data });
    await began.promise;
    expect(gateway.notes).toEqual([]);
    slow.resolve();
    await client.settled();
    expect(gateway.notes).toEqual(['connection', 1, 2, 3]);
  });

  it('never connects a client that disconnects while a middleware runs', async () => {
    const { gateway, connect } = await startNotes();
    const { server, notes } = gateway;
    const slow = deferred();
    let seen: EnvelopeSocket | undefined;
    server.use(async (socket, next) => {
      seen = socket;
      await slow.promise;
      await socket.join('red');
      next();
      notes.push('next was called');
    });
    const client = await connect();
    client.send({ event: 'note', data: 'never handled' });
    client.close();
    await client.ended();
    await until('the server detects the disconnect', () => seen?.closed !== undefined);
    slow.resolve();
    await until('next', () => notes.length > 0);
    expect(notes).toEqual(['next was called']);
    expect(seen!.connected).toBe(false);
    const { rooms, sids } = server.adapter;
    expect([server.sockets.size, rooms.size, sids.size]).toEqual([0, 0, 0]);
  });

  it('never connects a socket that a middleware disconnects', async () => {
    const { gateway, connect } = await startNotes();
    gateway.server.use((socket, next) => {
      socket.emit('go away');
      socket.disconnect(true);
      next();
    });
    const client = await connect();
    expect((await client.ended()).code).toBe(1000);
    expect(client.frames).toEqual([{ event: 'go away' }]);
    expect(gateway.notes).toEqual([]);
    expect(gateway.server.sockets.size).toBe(0);
  });

  it('runs a middleware only for its own namespace', async () => {
    const { gateway, other, connect } = await startNotes();
    const ran: string[] = [];
    gateway.server.use((_socket, next) => {
      ran.push('ws');
      next();
    });
    other.server.use((_socket, next) => {
      ran.push('other');
      next();
    });
    await (await connect('/other')).settled();
    expect(ran).toEqual(['other']);
    await (await connect()).settled();
    expect(ran).toEqual(['other', 'ws']);
  });

  it('passes each message to socket.use in order and accepts changes to it', async () => {
    const { gateway, connect } = await startNotes();
    const { notes } = gateway;
    gateway.prepare = (client) => {
      client.use((packet, next) => {
        notes.push(['first', packet[0], packet[1], typeof packet[2]]);
        if (packet[0] === 'alias') packet[0] = 'ask';
        setImmediate(next);
      });
      client.use((packet, next) => {
        notes.push('second');
        packet[1] = { wrapped: packet[1] };
        next();
      });
    };
    const client = await connect();
    client.send({ event: 'note', data: 1 });
    await until('the note', () => notes.length === 4);
    const [socket] = gateway.server.sockets.values();
    expect(await client.ask('alias', 2, 'x')).toEqual({
      event: 'alias',
      data: [socket!.id, { wrapped: 2 }],
      ack: 'x',
    });
    expect(notes).toEqual([
      'connection',
      ['first', 'note', 1, 'undefined'],
      'second',
      { wrapped: 1 },
      ['first', 'alias', 2, 'function'],
      'second',
    ]);
  });

  it('does not pass answers to socket.use', async () => {
    const { gateway, connect } = await startNotes();
    const seen: string[] = [];
    gateway.prepare = (client) => {
      client.use(([event], next) => {
        seen.push(event);
        next();
      });
    };
    const client = await connect();
    await client.settled();
    const [socket] = gateway.server.sockets.values();
    const answered = socket!.emitWithAck('question');
    client.send({ ack: (await client.next('question')).id, data: 42 });
    expect(await answered).toBe(42);
    client.send({ event: 'note', data: 1 });
    await client.settled();
    expect(seen).toEqual(['note']);
  });

  it('skips the handler and emits "error" on the socket after next(error) in socket.use', async () => {
    const { gateway, connect } = await startNotes();
    const errors: unknown[] = [];
    gateway.prepare = (client) => {
      client.use(([event], next) =>
        event === 'note' ? next(Object.assign(new Error('not allowed'), { data: { code: 7 } })) : next(),
      );
      client.on('note', () => errors.push('a listener ran'));
      client.on('error', (error) => errors.push(error));
    };
    const client = await connect();
    client.send({ event: 'note', data: 1 });
    const refusal = { status: 'error', message: 'not allowed', data: { code: 7 } };
    expect(await client.next('exception')).toEqual({ event: 'exception', data: refusal });
    expect(await client.ask('note', 2, 'x')).toEqual({ event: 'exception', data: refusal, ack: 'x' });
    expect(errors).toEqual([new Error('not allowed'), new Error('not allowed')]);
    expect(gateway.notes).toEqual(['connection']);
    expect((await client.ask('ask', 3)).data).toEqual([expect.any(String), 3]);
  });

  it('answers the client when the socket has no "error" listener', async () => {
    const { join } = await startBareApp();
    const [ada] = await join(1);
    ada!.socket.use((_packet, next) => next(new Error('no')));
    ada!.client.send({ event: 'x' });
    expect((await ada!.client.next('exception')).data).toEqual({ status: 'error', message: 'no' });
    expect(await got(ada!.client)).toHaveLength(1);
  });
});
