import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import type { Socket } from 'socket.io';
import { deferred } from '../support/wait.js';
import {
  describeOurs,
  describeServers,
  Settling,
  startIoApp,
  startSharedIoApp,
  type IoApp,
} from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

type Ack = (...values: unknown[]) => void;

/** The arguments of a message, and what its handler gets as data. */
const ARGUMENTS: [name: string, args: Any[], data: Any][] = [
  ['no argument', [], undefined],
  ['null', [null], null],
  ['a text', ['text'], 'text'],
  ['an empty text', [''], ''],
  ['a number', [0], 0],
  ['false', [false], false],
  ['an object', [{ a: { b: [1, null] } }], { a: { b: [1, null] } }],
  ['a list', [[1, 2]], [1, 2]],
  ['an empty list', [[]], []],
  ['two arguments', [1, 'two'], [1, 'two']],
  ['many arguments', [1, null, 'three', [4], { five: 5 }], [1, null, 'three', [4], { five: 5 }]],
  ['two lists', [[1], [2]], [[1], [2]]],
  ['text beyond ASCII', ['żółw 🐢 \u2028 \u0000'], 'żółw 🐢 \u2028 \u0000'],
  ['an object with a placeholder', [{ _placeholder: false, num: 0 }], { _placeholder: false, num: 0 }],
  ['a dangerous key', [JSON.parse('{"__proto__":{"a":1},"b":1}')], JSON.parse('{"__proto__":{"a":1},"b":1}')],
];

@WebSocketGateway()
class MessagesGateway extends Settling implements OnGatewayConnection {
  readonly data: unknown[] = [];
  readonly heard: unknown[][] = [];

  handleConnection(client: Socket): void {
    client.on('listen', (...args: unknown[]) => {
      const ack = args.at(-1);
      if (typeof ack === 'function') (ack as Ack)(...args.slice(0, -1));
      else this.heard.push(args);
    });
    client.on('ack twice', (ack: Ack) => {
      ack('first');
      ack('second');
    });
    client.once('only once', (ack: Ack) => ack('once'));
  }

  @SubscribeMessage('take')
  take(@MessageBody() data: unknown): string {
    this.data.push(data);
    return 'taken';
  }
  @SubscribeMessage('field')
  field(@MessageBody('a') a: unknown): unknown {
    return { a };
  }
  @SubscribeMessage('emit')
  emit(@ConnectedSocket() client: Socket, @MessageBody() args: unknown[]): void {
    client.emit('emitted', ...args);
  }
  @SubscribeMessage('send')
  send(@ConnectedSocket() client: Socket): boolean {
    client.send('by send');
    return true;
  }
  @SubscribeMessage('ask')
  async ask(@ConnectedSocket() client: Socket, @MessageBody() args: unknown[]): Promise<unknown> {
    return client.timeout(4_000).emitWithAck('question', ...args);
  }
  @SubscribeMessage('ask in vain')
  async askInVain(@ConnectedSocket() client: Socket): Promise<string> {
    return client
      .timeout(20)
      .emitWithAck('nobody answers')
      .then(String, (error: Error) => error.message);
  }
  @SubscribeMessage('ask by callback')
  askByCallback(@ConnectedSocket() client: Socket): void {
    client.emit('question', 'plain', (...values: unknown[]) => client.emit('answers', ...values));
    client
      .timeout(4_000)
      .emit('question', 'timed', (error: Error | null, ...values: unknown[]) =>
        client.emit('timed answers', error, ...values),
      );
  }
}

describeServers('messages', (server) => {
  let app: IoApp;
  let gateway: MessagesGateway;
  beforeAll(async () => {
    app = await startSharedIoApp(server, { providers: [MessagesGateway] });
    gateway = app.nest.get(MessagesGateway);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    gateway.data.splice(0);
    gateway.heard.splice(0);
  });

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let client: IoClient;
    beforeEach(async () => {
      client = await app.connect('/', { transport });
    });
    afterEach(() => client.destroy());

    it.each(ARGUMENTS)(
      'gives %s to a handler, with and without an acknowledgement',
      async (_name, args, data) => {
        client.emit('take', ...args);
        expect(await client.ask('take', ...args)).toEqual(['taken']);
        expect(gateway.data).toEqual([data, data]);
      },
    );

    it.each(ARGUMENTS)('gives %s to a listener, and takes it as an acknowledgement', async (_name, args) => {
      client.emit('listen', ...args);
      expect(await client.ask('listen', ...args)).toEqual(args);
      expect(gateway.heard).toEqual([args]);
    });

    it.each(ARGUMENTS)('emits %s to the client', async (_name, args) => {
      client.emit('emit', args);
      expect(await client.next('emitted')).toEqual(args);
    });

    it('picks one field of the data', async () => {
      expect(await client.ask('field', { a: 1, b: 2 })).toEqual([{ a: 1 }]);
    });

    it('sends undefined as null within a list of arguments', async () => {
      expect(await client.ask('listen', undefined, 1, undefined)).toEqual([null, 1, null]);
    });

    it('takes only the first acknowledgement', async () => {
      const acks: Any[][] = [];
      client.emit('ack twice', (...values: Any[]) => acks.push(values));
      await client.settled();
      expect(acks).toEqual([['first']]);
    });

    it('calls a once-listener once', async () => {
      const another = await app.connect('/', { transport });
      const acks: Any[][] = [];
      another.emit('only once', (...values: Any[]) => acks.push(values));
      another.emit('only once', (...values: Any[]) => acks.push(values));
      await another.settled();
      expect(acks).toEqual([['once']]);
    });

    it('sends the event "message" by send()', async () => {
      await client.ask('send');
      expect(await client.next('message')).toEqual(['by send']);
    });

    it.each([
      ['no value', [], [], null],
      ['one value', [1], ['one'], 'one'],
      ['several values', [1, 'two', [3]], ['first', 'second'], 'first'],
      ['a list', [[1]], [[1, 2]], [1, 2]],
      ['null', [], [null], null],
    ] as [string, Any[], Any[], Any][])(
      'asks the client, and gets %s as its answer',
      async (_name, args, answer, result) => {
        const asked: Any[][] = [];
        client.socket.once('question', (...given: Any[]) => {
          asked.push(given.slice(0, -1));
          (given.at(-1) as Ack)(...answer);
        });
        const answered = client.ask('ask', args);
        // a handler that returns nothing acknowledges nothing
        if (result === null) await client.next('question').then(() => client.settled());
        else expect(await answered).toEqual([result]);
        if (result === null) answered.catch(() => undefined);
        expect(asked).toEqual([args]);
      },
    );

    it('ends a request to the client after its timeout', async () => {
      expect(await client.ask('ask in vain')).toEqual(['operation has timed out']);
    });

    it('passes all values of an answer to a callback', async () => {
      client.socket.on('question', (name: string, ack: Ack) => ack(name, 2, { three: 3 }));
      client.emit('ask by callback');
      expect(await client.next('answers')).toEqual(['plain', 2, { three: 3 }]);
      expect(await client.next('timed answers')).toEqual([null, 'timed', 2, { three: 3 }]);
    });

    it.each(['unknown', '$auth', '$ping', '$cancel', '$session', 'exception', 'ack', ''])(
      'ignores the event "%s" from the client',
      async (event) => {
        const acks: Any[] = [];
        client.socket.io.engine.write(`2${JSON.stringify([event, 1])}`);
        client.socket.io.engine.write(`27777${JSON.stringify([event, 1])}`);
        Reflect.get(client.socket, 'acks')[7777] = (...values: Any[]) => acks.push(values);
        await client.settled();
        expect(acks).toEqual([]);
        expect(client.events).toEqual([]);
        expect(client.socket.connected).toBe(true);
      },
    );

    it.each(['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])(
      'closes the connection on the reserved event "%s"',
      async (event) => {
        const another = await app.connect('/', { transport });
        another.socket.io.engine.write(`2${JSON.stringify([event, 1])}`);
        expect(await another.ended()).toBe('transport close');
      },
    );

    it('handles two requests with the same id', async () => {
      const packets: string[] = [];
      const listen = (data: unknown): void => void packets.push(String(data));
      client.socket.io.engine.on('data', listen);
      client.socket.io.engine.write('29000["take","a"]');
      client.socket.io.engine.write('29000["take","b"]');
      await client.settled();
      client.socket.io.engine.off('data', listen);
      expect(gateway.data).toEqual(['a', 'b']);
      expect(packets.filter((packet) => packet.startsWith('39000'))).toEqual([
        '39000["taken"]',
        '39000["taken"]',
      ]);
      expect(client.socket.connected).toBe(true);
    });

    it('ignores an answer that nobody waits for', async () => {
      client.socket.io.engine.write('3123456["answer"]');
      await client.settled();
      expect(client.socket.connected).toBe(true);
    });
  });
});

@WebSocketGateway()
class BurstGateway extends Settling implements OnGatewayConnection {
  readonly numbers: number[] = [];

  handleConnection(client: Socket): void {
    for (let n = 0; n < 50; n++) client.emit('burst', n);
  }
  @SubscribeMessage('number')
  number(@MessageBody() n: number): void {
    this.numbers.push(n);
  }
}

describeServers('messages at the begin of a connection', (server) => {
  it.each(TRANSPORTS)('arrive complete and in order, both ways, over %s', async (transport) => {
    const app = await startIoApp(server, { providers: [BurstGateway] });
    const client = app.open('/', { transport });
    for (let n = 0; n < 50; n++) client.emit('number', n);
    await client.connected();
    for (let n = 50; n < 100; n++) client.emit('number', n);
    await client.settled();
    expect(app.nest.get(BurstGateway).numbers).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(client.of('burst')).toEqual(Array.from({ length: 50 }, (_, n) => [n]));
  });
});

describeOurs('messages before an asynchronous handleConnection has ended', () => {
  it.each(TRANSPORTS)('wait for it, in order, over %s', async (transport) => {
    const opened = deferred();
    @WebSocketGateway()
    class SlowGateway extends Settling implements OnGatewayConnection {
      readonly steps: unknown[] = [];
      async handleConnection(): Promise<void> {
        this.steps.push('connecting');
        await opened.promise;
        this.steps.push('connected');
      }
      @SubscribeMessage('step')
      step(@MessageBody() step: unknown): unknown {
        this.steps.push(step);
        return step;
      }
    }
    const app = await startIoApp('ours', { providers: [SlowGateway] });
    const client = await app.connect('/', { transport });
    const answers = Promise.all([1, 2, 3].map((n) => client.ask('step', n)));
    const bytes = client.ask('step', Buffer.from([4]));
    const other = await app.bare('/');
    await other.until('open', () => true);
    expect(app.nest.get(SlowGateway).steps).toEqual(['connecting', 'connecting']);
    opened.resolve();
    expect(await answers).toEqual([[1], [2], [3]]);
    expect(Buffer.from((await bytes)[0] as Buffer)).toEqual(Buffer.from([4]));
    expect(app.nest.get(SlowGateway).steps.slice(2)).toEqual([
      'connected',
      'connected',
      1,
      2,
      3,
      Buffer.from([4]),
    ]);
  });
});
