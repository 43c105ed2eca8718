import { AppModule } from '../../sample/01-chat/src/app.module.js';
import { AnnouncerService } from '../../sample/01-chat/src/announcer.service.js';
import { startApp, type TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';

describe('sample 01-chat', () => {
  const environment = { ...process.env };
  let app: TestApp;

  const start = async (variables: Record<string, string> = {}): Promise<void> => {
    Object.assign(process.env, { ANNOUNCE_INTERVAL: '0' }, variables);
    app = await startApp({ imports: [AppModule] });
  };
  const connect = (): Promise<TestClient> => app.connect('/ws');
  const named = (client: TestClient, event: string): unknown[] =>
    client.frames.filter((frame) => frame.event === event).map((frame) => frame.data);

  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });

  it('answers a bare client to the letter', async () => {
    await start();
    const client = await connect();
    const frames: string[] = [];
    client.ws.on('message', (data) => frames.push(String(data)));
    client.send('{"event":"history","data":null}');
    client.send('{"event":"message","data":{"author":"ada","text":"hi"}}');
    client.send('{"event":"presence","data":null}');
    client.send('{"event":"history","data":null}');
    await client.until('both histories', () => named(client, 'history').length === 2);
    expect(frames).toHaveLength(3);
    const [empty, presence, full] = frames;
    expect(empty).toBe('{"event":"history","data":[]}');
    expect(presence).toBe('{"event":"presence","data":1}');
    const at = JSON.parse(full!).data[0].at as string;
    expect(full).toBe(`{"event":"history","data":[{"author":"ada","text":"hi","at":"${at}"}]}`);
    expect(new Date(at).toISOString()).toBe(at);
  });

  it('carries a message to the others in the room, and to them only', async () => {
    await start();
    const [ada, bob, zoe] = [await connect(), await connect(), await connect()];
    await zoe.ask('leave', 'lobby');
    await ada.ask('message', { author: 'ada', text: 'hi' });
    const at = expect.any(String) as string;
    expect((await bob.next('message')).data).toEqual({ room: 'lobby', author: 'ada', text: 'hi', at });
    await Promise.all([ada.settled(), zoe.settled()]);
    expect([...named(ada, 'message').filter(Boolean), ...named(zoe, 'message')]).toEqual([]);
    expect((await zoe.ask('history')).data).toEqual([{ author: 'ada', text: 'hi', at }]);
  });

  it('keeps rooms apart: message, history, presence, join and leave', async () => {
    await start();
    const [ada, bob] = [await connect(), await connect()];
    await ada.ask('join', 'tea');
    await ada.ask('message', { author: 'ada', text: 'green?', room: 'tea' });
    expect((await bob.ask('history')).data).toEqual([]);
    expect((await bob.ask('presence', 'tea')).data).toBe(1);
    expect((await bob.ask('presence')).data).toBe(2);
    expect((await bob.ask('message', { author: 'bob', text: 'black', room: 'tea' })).data).toMatchObject({
      status: 'error',
      message: 'You are not in the room "tea"',
    });
    await bob.ask('join', 'tea');
    expect((await bob.ask('history', 'tea')).data).toMatchObject([{ author: 'ada', text: 'green?' }]);
    await ada.ask('message', { author: 'ada', text: 'white!', room: 'tea' });
    expect((await bob.next('message')).data).toMatchObject({ room: 'tea', text: 'white!' });
    await bob.ask('leave', 'tea');
    await ada.ask('message', { author: 'ada', text: 'gone?', room: 'tea' });
    await bob.settled();
    const live = bob.frames.filter((frame) => frame.event === 'message' && frame.data !== undefined);
    expect(live).toHaveLength(1);
  });

  it('says to everybody in every room of the sender, to each of them once', async () => {
    await start();
    const [ada, bob, zoe, tom] = [await connect(), await connect(), await connect(), await connect()];
    await Promise.all([ada, bob, zoe].map((client) => client.ask('join', 'tea')));
    await Promise.all([zoe, tom].map((client) => client.ask('leave', 'lobby')));
    await ada.ask('say', { author: 'ada', text: 'Lunch!' });
    const said = { author: 'ada', text: 'Lunch!', at: expect.any(String), rooms: ['lobby', 'tea'] };
    await Promise.all([ada, bob, zoe, tom].map((client) => client.settled()));
    expect([ada, bob, zoe, tom].map((client) => named(client, 'said'))).toEqual([[], [said], [said], []]);
    expect((await ada.ask('history')).data).toEqual([]);
  });

  it('tells everybody else who types', async () => {
    await start();
    const [ada, bob] = [await connect(), await connect()];
    await ada.ask('typing', { author: 'ada' });
    expect((await bob.next('typing')).data).toEqual({ author: 'ada', room: 'lobby' });
    expect(ada.frames.filter((frame) => frame.event === 'typing' && frame.data !== undefined)).toEqual([]);
  });

  it('tells the members of a room who is there', async () => {
    await start();
    const ada = await connect();
    await ada.ask('name', 'ada');
    const bob = await connect();
    expect((await ada.next('people')).data).toEqual({ room: 'lobby', names: ['ada', 'guest'] });
    await bob.ask('name', 'bob');
    expect((await ada.next('people')).data).toEqual({ room: 'lobby', names: ['ada', 'bob'] });
    expect((await bob.ask('people')).data).toEqual({ room: 'lobby', names: ['ada', 'bob'] });
    bob.ws.terminate();
    expect((await ada.next('people')).data).toEqual({ room: 'lobby', names: ['ada'] });
    expect((await ada.ask('presence')).data).toBe(1);
  });

  it('forgets a room with its last member, and keeps its last hundred messages', async () => {
    await start();
    const [ada, bob] = [await connect(), await connect()];
    await ada.ask('join', 'tea');
    for (let n = 1; n <= 101; n++)
      ada.send({ event: 'message', data: { author: 'ada', text: `${n}`, room: 'tea' } });
    await ada.settled();
    const texts = ((await bob.ask('history', 'tea')).data as { text: string }[]).map(({ text }) => text);
    expect([texts.length, texts[0], texts[99]]).toEqual([100, '2', '101']);
    await ada.ask('leave', 'tea');
    expect((await bob.ask('history', 'tea')).data).toEqual([]);
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
      'a long text',
      'message',
      { author: 'ada', text: 'x'.repeat(2_001) },
      'text must be shorter than or equal to 2000 characters',
    ],
    ['a text that is none', 'message', { author: 'ada', text: { toString: 1 } }, 'text must be a string'],
    ['a say without text', 'say', { author: 'ada' }, 'text must be a string'],
    ['typing by nobody', 'typing', null, 'author must be a string'],
    ['a room without a name', 'join', '', 'A name of 1 to 40 characters was expected'],
    ['no name', 'name', null, 'A name of 1 to 40 characters was expected'],
  ])('refuses %s', async (_, event, data, sentence) => {
    await start();
    const client = await connect();
    const { event: answer, data: payload } = await client.ask(event, data);
    expect([answer, payload.statusCode]).toEqual(['exception', 400]);
    expect([payload.message].flat()).toContain(sentence);
    expect((await client.ask('history')).data).toEqual([]);
  });

  it('lets nobody into rooms without end', async () => {
    await start();
    const client = await connect();
    for (let n = 2; n <= 20; n++) await client.ask('join', `room ${n}`);
    expect((await client.ask('join', 'room 21')).data).toMatchObject({
      message: 'You are in too many rooms',
    });
    expect((await client.ask('join', 'room 20')).event).toBe('join');
  });

  it('announces on its own, in the lobby', async () => {
    await start({ ANNOUNCE_INTERVAL: '20' });
    const [ada, bob] = [await connect(), await connect()];
    await bob.ask('leave', 'lobby');
    const { data } = await ada.next('announcement');
    expect(data).toEqual({ text: expect.any(String), at: expect.any(String) });
    await bob.settled();
    const heard = named(bob, 'announcement').length;
    app.nest.get(AnnouncerService).announce();
    await bob.settled();
    expect(named(bob, 'announcement')).toHaveLength(heard);
  });

  it('takes the options from the environment', async () => {
    await start({ WS_PATH: '/talk', WS_CORS_ORIGIN: 'https://a.example, https://b.example' });
    const client = await app.connect('/talk', { origin: 'https://b.example' });
    expect((await client.ask('presence')).data).toBe(1);
    await expect(app.connect('/talk', { origin: 'https://c.example' })).rejects.toThrow('403');
    await expect(app.connect('/ws')).rejects.toThrow('404');
    const settings = await fetch(`${await app.nest.getUrl()}/settings.json`);
    expect(await settings.json()).toEqual({ port: 0, path: '/talk' });
  });

  it('refuses to start with a port that is none', async () => {
    await expect(start({ WS_PORT: 'abc' })).rejects.toThrow('WS_PORT is not a whole number');
  });

  it('serves the page and nothing else', async () => {
    await start();
    const get = async (path: string): Promise<[number, string | null]> => {
      const response = await fetch(`${await app.nest.getUrl()}${path}`);
      await response.arrayBuffer();
      return [response.status, response.headers.get('content-type')];
    };
    expect(await get('/')).toEqual([200, 'text/html; charset=utf-8']);
    expect(await get('/chat.js')).toEqual([200, 'text/javascript; charset=utf-8']);
    for (const path of ['/package.json', '/..%2fpackage.json', '/constructor'])
      expect((await get(path))[0]).toBe(404);
  });
});
