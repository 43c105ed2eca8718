import { FaultyNetwork } from '../support/faulty-network.js';
import { until } from '../support/wait.js';
import { describeOurs, describeServers, startIoApp, type IoApp, type ServerName } from './fixture.js';
import { ChatGateway, TalkGateway } from './network-gateways.js';
import { describeWithPython, Python, type PythonClient, type PythonTransports } from './python-client.js';

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const TRANSPORTS: [string, PythonTransports][] = [
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['upgraded', ['polling', 'websocket']],
];

describeWithPython('python3-socketio', () => {
  let python: Python;
  const open: PythonClient[] = [];
  beforeAll(async () => {
    python = await Python.start();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.disconnect()));
  });
  afterAll(() => python.stop());

  const start = (server: ServerName): Promise<IoApp> =>
    startIoApp(server, { providers: [TalkGateway, ChatGateway] });
  const begin = async (url: string, ...rest: Drop<Parameters<Python['open']>>): Promise<PythonClient> => {
    const client = await python.open(url, ...rest);
    open.push(client);
    return client;
  };

  describeServers('talks to', (server) => {
    describe.each(TRANSPORTS)('over %s', (name, transports) => {
      let app: IoApp;
      let talk: TalkGateway;
      beforeEach(async () => {
        app = await start(server);
        talk = app.nest.get(TalkGateway);
      });
      const connect = async (options?: Parameters<Python['open']>[2]): Promise<PythonClient> => {
        const client = await begin(app.url(), transports, options);
        await client.connected();
        return client;
      };

      it('connects with auth, by its id and transport', async () => {
        const client = await begin(app.url(), transports, {
          auth: { token: 'tökén', deep: [1, { two: null }] },
        });
        const id = await client.connected();
        const transport = name === 'polling' ? 'polling' : 'websocket';
        expect(await client.transport()).toBe(transport);
        // the server hears of an upgrade after the first messages
        await until('the transport', () => talk.connected[0]!.conn.transport.name === transport);
        expect(await client.call('who')).toEqual({
          id,
          auth: { token: 'tökén', deep: [1, { two: null }] },
          transport,
          cookie: '',
        });
      });

      it('is refused by a middleware, with its message and data', async () => {
        const client = await begin(app.url(), transports, { auth: { token: 'forged' } });
        expect(await client.refused()).toEqual({ message: 'the token is forged', data: { code: 401 } });
        expect(talk.connected).toEqual([]);
      });

      it('gets the returned value as its acknowledgement', async () => {
        const client = await connect();
        for (const value of ['text', 'äöü 😀 \u2028', '', 0, -1.5, false, [1, [2]], { a: { b: [null] } }])
          expect(await client.call('echo', value)).toEqual(value);
        // Python escapes each as six bytes
        const long = 'ä'.repeat(100_000);
        expect(await client.call('echo', long)).toBe(long);
      });

      it('sends and receives several arguments', async () => {
        const client = await connect();
        const args = [1, 'two', [3], { four: BYTES }, null];
        expect(await client.call('several', ...args)).toEqual({ args });
        expect(await client.next('heard')).toEqual(args);
      });

      it('sends and receives bytes: in acknowledgements, in events and in broadcasts', async () => {
        const [one, other] = [await connect(), await connect()];
        expect(await one.call('reverse', { bytes: BYTES })).toEqual({
          isBuffer: true,
          deep: [{ reversed: Buffer.from(BYTES).reverse() }],
        });
        for (const client of [one, other]) expect(await client.call('join', 'room')).toBe('joined');
        expect(await one.call('say', 'room', { deep: [BYTES] }, Buffer.alloc(0), 'end')).toBe('said');
        for (const client of [one, other])
          expect(await client.next('said')).toEqual([{ deep: [BYTES] }, Buffer.alloc(0), 'end']);
        const long = Buffer.alloc(300_000, 7);
        expect(await one.call('echo', long)).toEqual(long);
      });

      it('keeps the order of events, and answers to none without a callback', async () => {
        const client = await connect();
        const texts = Array.from({ length: 50 }, (_, number) => `${number}`);
        await client.call('join', 'room');
        for (const text of texts) {
          await client.emit('tell', text);
          await client.emit('say', 'room', text);
        }
        await client.call('echo', 'last');
        expect(talk.told).toEqual(texts);
        expect(client.all('said')).toEqual(texts.map((text) => [text]));
      });

      it('answers the server, with several values', async () => {
        const client = await connect();
        expect(await client.call('ask me', 'well?')).toEqual({ answer: 'heard' });
      });

      it('receives an exception as the event of that name', async () => {
        const client = await connect();
        await client.emit('fail');
        expect(await client.next('exception')).toMatchObject([{ status: 'error', message: 'not today' }]);
      });

      it('joins two namespaces over one connection, and is told of one that does not exist', async () => {
        const client = await begin(app.url(), transports, { namespaces: ['/', '/chat', '/unknown'] });
        const ids = [await client.connected(), await client.connected('/chat')];
        expect(await client.refused('/unknown')).toEqual({ message: 'Invalid namespace' });
        expect(ids[0]).not.toBe(ids[1]);
        expect(await client.callIn('/chat', 'where')).toEqual({ name: '/chat', id: ids[1] });
        expect(await client.call('who')).toMatchObject({ id: ids[0] });
        app.nest.get(ChatGateway).server.emit('news', 1, BYTES);
        expect(await client.next('news', '/chat')).toEqual([1, BYTES]);
      });

      it('stays in one namespace when the server ends the other', async () => {
        const client = await begin(app.url(), transports, { namespaces: ['/', '/chat'] });
        await Promise.all([client.connected(), client.connected('/chat')]);
        await expect(client.callIn('/chat', 'where')).resolves.toMatchObject({ name: '/chat' });
        app.nest.get(ChatGateway).end(app.nest.get(ChatGateway).connected[0]!);
        await client.disconnected('/chat');
        expect(await client.call('echo', 'still here')).toBe('still here');
        expect(talk.disconnected).toEqual([]);
      });

      it('disconnects, and the server hears of it', async () => {
        const client = await connect();
        await client.call('echo', 1);
        await client.disconnect();
        await until('the disconnect', () => talk.disconnected.length === 1);
        expect(talk.disconnected).toEqual([talk.connected[0]!.id]);
      });

      it('reconnects after its connection broke, with another id', async () => {
        const network = await FaultyNetwork.to(app.port);
        try {
          const client = await begin(`http://127.0.0.1:${network.port}`, transports, {
            auth: { name: 'ada' },
          });
          const id = await client.connected();
          await client.call('echo', 1);
          network.cut();
          const next = await client.connected();
          expect(next).not.toBe(id);
          expect(await client.call('who')).toMatchObject({ id: next, auth: { name: 'ada' } });
          expect(talk.connected.map((one) => one.id)).toEqual([id, next]);
        } finally {
          network.close();
        }
      });
    });
  });

  describeOurs('in a room with bare clients', () => {
    it.each(TRANSPORTS)('talks to them over %s', async (_name, transports) => {
      const app = await start('ours');
      const bare = await app.bare('/');
      const client = await begin(app.url(), transports);
      await client.connected();
      expect(await client.call('join', 'room')).toBe('joined');
      expect((await bare.ask('join', 'room')).data).toBe('joined');
      await client.call('say', 'room', 'from Python', 2);
      await bare.ask('say', ['room', 'from a WebSocket']);
      expect(await client.next('said')).toEqual(['from Python', 2]);
      expect(await client.next('said')).toEqual(['from a WebSocket']);
      expect(bare.frames.filter(({ event }) => event === 'said').map(({ data }) => data)).toEqual([
        ['from Python', 2],
        'from a WebSocket',
      ]);
    });
  });
});

type Drop<List extends unknown[]> = List extends [unknown, ...infer Rest] ? Rest : never;
