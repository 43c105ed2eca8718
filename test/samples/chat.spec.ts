import { AppModule } from '../../sample/01-chat/src/app.module.js';
import { AnnouncerService } from '../../sample/01-chat/src/announcer.service.js';
import { createTestClient, RequestError, type TestClient } from '../../lib/testing/index.js';
import { IoClient } from '../socketio-clients/io-client.js';
import { startApp, type TestApp } from '../support/app.js';

describe('sample 01-chat', () => {
  const environment = { ...process.env };
  let app: TestApp;

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    Object.assign(process.env, { ANNOUNCE_INTERVAL: '0' }, variables);
    app = await startApp({ imports: [AppModule] });
  };
  const connect = (): Promise<TestClient> => createTestClient(app.nest, '/ws');
  const dataOf = (client: TestClient, name: string): unknown[] =>
    client.received.filter(({ event }) => event === name).map(({ data }) => data as unknown);

  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });

  it('answers a client without a library with the documented bytes', async () => {
    await start();
    const client = await app.connect('/ws');
    const frames: string[] = [];
    client.ws.on('message', (data) => frames.push(String(data)));
    client.send('{"event":"history","data":null}');
    client.send('{"event":"message","data":{"author":"ada","text":"hi"}}');
    client.send('{"event":"presence","data":null}');
    client.send('{"event":"history","data":null}');
    await client.until('both histories', () => client.frames.length === 3);
    expect(frames).toHaveLength(3);
    const [empty, presence, full] = frames;
    expect(empty).toBe('{"event":"history","data":[]}');
    expect(presence).toBe('{"event":"presence","data":1}');
    const at = JSON.parse(full!).data[0].at as string;
    expect(full).toBe(`{"event":"history","data":[{"author":"ada","text":"hi","at":"${at}"}]}`);
    expect(new Date(at).toISOString()).toBe(at);
  });

  it('delivers a message to the other members of the room only', async () => {
    await start();
    const [ada, bob, zoe] = [await connect(), await connect(), await connect()];
    await zoe.emitWithAck('leave', 'lobby');
    await ada.emitWithAck('message', { author: 'ada', text: 'hi' });
    const at = expect.any(String) as string;
    expect(await bob.next('message')).toEqual({ room: 'lobby', author: 'ada', text: 'hi', at });
    for (const client of [ada, zoe]) await client.expectNone('message');
    expect(await zoe.emitWithAck('history')).toEqual([{ author: 'ada', text: 'hi', at }]);
  });

  it.each(['websocket', 'polling'] as const)(
    'lets a Socket.IO client over %s and a bare client talk in one room',
    async (transport) => {
      await start();
      const bare = await connect();
      const client = new IoClient(`http://127.0.0.1:${app.port}/ws`, { transport });
      try {
        await client.connected();
        expect(await client.ask('name', 'ada')).toEqual([true]);
        expect(await bare.emitWithAck('people')).toEqual({ room: 'lobby', names: ['guest', 'ada'] });
        expect(await client.ask('message', { author: 'ada', text: 'hi' })).toEqual([true]);
        expect(await bare.next('message')).toMatchObject({ room: 'lobby', author: 'ada', text: 'hi' });
        await bare.emitWithAck('message', { author: 'bob', text: 'hello' });
        expect(await client.next('message')).toMatchObject([{ author: 'bob', text: 'hello' }]);
        client.emit('message', { author: 'ada', text: ' ' });
        expect(await client.next('exception')).toMatchObject([{ message: ['text must not be blank'] }]);
      } finally {
        client.destroy();
      }
    },
  );

  it('separates rooms in message, history, presence, join and leave', async () => {
    await start();
    const [ada, bob] = [await connect(), await connect()];
    await ada.emitWithAck('join', 'tea');
    await ada.emitWithAck('message', { author: 'ada', text: 'green?', room: 'tea' });
    expect(await bob.emitWithAck('history')).toEqual([]);
    expect(await bob.emitWithAck('presence', 'tea')).toBe(1);
    expect(await bob.emitWithAck('presence')).toBe(2);
    await expect(bob.emitWithAck('message', { author: 'bob', text: 'black', room: 'tea' })).rejects.toThrow(
      'You are not in the room "tea"',
    );
    await bob.emitWithAck('join', 'tea');
    expect(await bob.emitWithAck('history', 'tea')).toMatchObject([{ author: 'ada', text: 'green?' }]);
    await ada.emitWithAck('message', { author: 'ada', text: 'white!', room: 'tea' });
    expect(await bob.next('message')).toMatchObject({ room: 'tea', text: 'white!' });
    await bob.emitWithAck('leave', 'tea');
    await ada.emitWithAck('message', { author: 'ada', text: 'gone?', room: 'tea' });
    await bob.expectNone('message');
  });

  it('sends an announcement of a member once to each member of all rooms of the sender', async () => {
    await start();
    const [ada, bob, zoe, tom] = [await connect(), await connect(), await connect(), await connect()];
    await Promise.all([ada, bob, zoe].map((client) => client.emitWithAck('join', 'tea')));
    await Promise.all([zoe, tom].map((client) => client.emitWithAck('leave', 'lobby')));
    await ada.emitWithAck('say', { author: 'ada', text: 'Lunch!' });
    const said = { author: 'ada', text: 'Lunch!', at: expect.any(String), rooms: ['lobby', 'tea'] };
    await Promise.all([ada, bob, zoe, tom].map((client) => client.settled()));
    expect([ada, bob, zoe, tom].map((client) => dataOf(client, 'said'))).toEqual([[], [said], [said], []]);
    expect(await ada.emitWithAck('history')).toEqual([]);
  });

  it('tells all other members who is typing', async () => {
    await start();
    const [ada, bob] = [await connect(), await connect()];
    await ada.emitWithAck('typing', { author: 'ada' });
    expect(await bob.next('typing')).toEqual({ author: 'ada', room: 'lobby' });
    await ada.expectNone('typing');
  });

  it('sends the member list of a room at each change', async () => {
    await start();
    const ada = await connect();
    await ada.emitWithAck('name', 'ada');
    const bob = await connect();
    expect(await ada.next('people')).toEqual({ room: 'lobby', names: ['ada', 'guest'] });
    await bob.emitWithAck('name', 'bob');
    expect(await ada.next('people')).toEqual({ room: 'lobby', names: ['ada', 'bob'] });
    expect(await bob.emitWithAck('people')).toEqual({ room: 'lobby', names: ['ada', 'bob'] });
    await bob.cut();
    expect(await ada.next('people')).toEqual({ room: 'lobby', names: ['ada'] });
    expect(await ada.emitWithAck('presence')).toBe(1);
  });

  it('deletes a room with its last member and keeps its last hundred messages', async () => {
    await start();
    const [ada, bob] = [await connect(), await connect()];
    await ada.emitWithAck('join', 'tea');
    for (let n = 1; n <= 101; n++) ada.emit('message', { author: 'ada', text: `${n}`, room: 'tea' });
    await ada.settled();
    const history: { text: string }[] = await bob.emitWithAck('history', 'tea');
    const texts = history.map(({ text }) => text);
    expect([texts.length, texts[0], texts[99]]).toEqual([100, '2', '101']);
    await ada.emitWithAck('leave', 'tea');
    expect(await bob.emitWithAck('history', 'tea')).toEqual([]);
  });

  it.each([
    [
      'an empty author',
      'message',
      { author: '', text: 'hi' },
      'author must be longer than or equal to 1 characters',
    ],
    ['a blank text', 'message', { author: 'ada', text: ' ' }, 'text must not be blank'],
    [
      'a text above the maximum length',
      'message',
      { author: 'ada', text: 'x'.repeat(2_001) },
      'text must be shorter than or equal to 2000 characters',
    ],
    [
      'a text that is not a string',
      'message',
      { author: 'ada', text: { toString: 1 } },
      'text must be a string',
    ],
    ['a say without text', 'say', { author: 'ada' }, 'text must be a string'],
    ['typing without an author', 'typing', null, 'author must be a string'],
    ['a room without a name', 'join', '', 'A name of 1 to 40 characters was expected'],
    ['no name', 'name', null, 'A name of 1 to 40 characters was expected'],
  ])('refuses %s', async (_, event, data, sentence) => {
    await start();
    const client = await connect();
    const refused = (await client.emitWithAck(event, data).catch((error: unknown) => error)) as RequestError;
    expect(refused.data).toMatchObject({ status: 'error', statusCode: 400 });
    expect([(refused.data as { message: unknown }).message].flat()).toContain(sentence);
    expect(await client.emitWithAck('history')).toEqual([]);
  });

  it('limits the number of rooms of a client', async () => {
    await start();
    const client = await connect();
    for (let n = 2; n <= 20; n++) await client.emitWithAck('join', `room ${n}`);
    await expect(client.emitWithAck('join', 'room 21')).rejects.toThrow('You are in too many rooms');
    await client.emitWithAck('join', 'room 20');
  });

  it('sends announcements to the lobby at an interval', async () => {
    await start({ ANNOUNCE_INTERVAL: '20' });
    const [ada, bob] = [await connect(), await connect()];
    await bob.emitWithAck('leave', 'lobby');
    expect(await ada.next('announcement')).toEqual({ text: expect.any(String), at: expect.any(String) });
    const before = dataOf(bob, 'announcement').length;
    app.nest.get(AnnouncerService).announce();
    await bob.settled();
    expect(dataOf(bob, 'announcement')).toHaveLength(before);
  });

  it('reads the options from the environment', async () => {
    await start({ WS_PATH: '/talk', WS_CORS_ORIGIN: 'https://a.example, https://b.example' });
    const from = (origin: string): Promise<TestClient> =>
      createTestClient(app.nest, { path: '/talk', headers: { origin } });
    expect(await (await from('https://b.example')).emitWithAck('presence')).toBe(1);
    await expect(from('https://c.example')).rejects.toMatchObject({ status: 403 });
    await expect(connect()).rejects.toMatchObject({ status: 404 });
    const settings = await fetch(`${await app.nest.getUrl()}/settings.json`);
    expect(await settings.json()).toEqual({ port: 0, path: '/talk' });
  });

  it('does not start with an invalid port', async () => {
    await expect(start({ WS_PORT: 'abc' })).rejects.toThrow('WS_PORT is not a whole number');
  });

  it('serves only the page', async () => {
    await start();
    const get = async (path: string): Promise<[number, string | null]> => {
      const response = await fetch(`${await app.nest.getUrl()}${path}`);
      await response.arrayBuffer();
      return [response.status, response.headers.get('content-type')];
    };
    expect(await get('/')).toEqual([200, 'text/html; charset=utf-8']);
    for (const path of ['/chat.js', '/socket.io.esm.min.js'])
      expect(await get(path)).toEqual([200, 'text/javascript; charset=utf-8']);
    for (const path of ['/package.json', '/..%2fpackage.json', '/constructor'])
      expect((await get(path))[0]).toBe(404);
  });
});
