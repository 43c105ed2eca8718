import { Ack, ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { EMPTY, of } from 'rxjs';
import type { Socket } from 'socket.io';
import { describeServers, Settling, startSharedIoApp, type IoApp } from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

/** A row: what a handler returns; the values of the acknowledgement, if any; the events that the client gets. */
type Row = [name: string, result: () => unknown, ack: Any[] | 'none', events?: [string, ...Any[]][]];

const NAMED = { event: 'named', data: { x: 1 } };
const named: [string, ...Any[]] = ['named', { x: 1 }];

const ROWS: Row[] = [
  ['a text', () => 'text', ['text']],
  ['an empty text', () => '', ['']],
  ['a number', () => 42, [42]],
  ['zero', () => 0, [0]],
  ['true', () => true, [true]],
  ['false', () => false, [false]],
  ['an object', () => ({ a: { b: [1, null] } }), [{ a: { b: [1, null] } }]],
  ['a list', () => [1, 'two', [3]], [[1, 'two', [3]]]],
  ['an object with data only', () => ({ data: 1 }), [{ data: 1 }]],
  ['an object with an empty event', () => ({ event: '', data: 1 }), [{ event: '', data: 1 }]],
  ['nothing', () => undefined, 'none'],
  ['null', () => null, 'none'],
  ['a promise', () => Promise.resolve('later'), ['later']],
  ['a promise of nothing', () => Promise.resolve(), 'none'],
  ['an event', () => NAMED, 'none', [named]],
  ['an event without data', () => ({ event: 'named' }), 'none', [['named', null]]],
  ['an event with other fields', () => ({ ...NAMED, extra: 2 }), 'none', [named]],
  ['an event with a list', () => ({ event: 'named', data: [1, 2] }), 'none', [['named', [1, 2]]]],
  ['a promise of an event', () => Promise.resolve(NAMED), 'none', [named]],
  ['an observable', () => of(1, 2, 3), [1]],
  ['an observable of null and then a value', () => of(null, undefined, 3), [3]],
  ['an empty observable', () => EMPTY, 'none'],
  ['a promise of an observable', () => Promise.resolve(of(1, 2)), [1]],
  ['an observable of events', () => of(NAMED, { event: 'other' }), 'none', [named, ['other', null]]],
  ['an observable of an event and a value', () => of(NAMED, 7, 8, NAMED), [7], [named, named]],
];

@WebSocketGateway()
class ResultsGateway extends Settling {
  @SubscribeMessage('result')
  result(@MessageBody() name: string): unknown {
    return ROWS.find(([row]) => row === name)![1]();
  }
  @SubscribeMessage('by hand')
  byHand(@MessageBody() data: unknown, @Ack() ack: (...values: unknown[]) => void): string {
    ack('a', { data }, [3], null);
    ack('ignored');
    return 'ignored, too';
  }
  @SubscribeMessage('later by hand')
  laterByHand(@Ack() ack: (...values: unknown[]) => void): void {
    setImmediate(() => ack());
  }
  @SubscribeMessage('event by hand')
  eventByHand(@Ack() ack: (...values: unknown[]) => void): unknown {
    ack('acknowledged');
    return NAMED;
  }
  @SubscribeMessage('has ack')
  hasAck(@Ack() ack: unknown, @ConnectedSocket() client: Socket): void {
    client.emit('type of ack', typeof ack);
  }
}

describeServers('results of handlers', (server) => {
  let app: IoApp;
  beforeAll(async () => {
    app = await startSharedIoApp(server, { providers: [ResultsGateway] });
  });
  afterAll(() => app.close());

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let client: IoClient;
    beforeEach(async () => {
      client = await app.connect('/', { transport });
    });
    afterEach(() => client.destroy());

    it.each(ROWS)('acknowledges %s, or emits it', async (name, _result, ack, events = []) => {
      const acks: Any[][] = [];
      client.emit('result', name, (...values: Any[]) => acks.push(values));
      await client.settled();
      expect(acks).toEqual(ack === 'none' ? [] : [ack]);
      expect(client.events).toEqual(events);
    });

    it.each(ROWS)(
      'sends only events of %s without an acknowledgement',
      async (name, _result, _ack, events = []) => {
        client.emit('result', name);
        await client.settled();
        expect(client.events).toEqual(events);
      },
    );

    it('acknowledges by hand with several values, once', async () => {
      expect(await client.ask('by hand', 1)).toEqual(['a', { data: 1 }, [3], null]);
      expect(await client.ask('later by hand')).toEqual([]);
      expect(client.events).toEqual([]);
    });

    it('emits an event besides an acknowledgement by hand', async () => {
      expect(await client.ask('event by hand')).toEqual(['acknowledged']);
      await client.settled();
      expect(client.events).toEqual([named]);
    });

    it('passes no function without an acknowledgement', async () => {
      client.emit('has ack');
      expect(await client.next('type of ack')).toEqual(['undefined']);
      client.emit('has ack', () => undefined);
      expect(await client.next('type of ack')).toEqual(['function']);
    });

    it('acknowledges many requests at once, each with its own value', async () => {
      const names = ROWS.filter(([, , ack]) => ack !== 'none').map(([name, , ack]) => ({ name, ack }));
      const requests = [...names, ...names, ...names];
      const acks = await Promise.all(requests.map(({ name }) => client.ask('result', name)));
      expect(acks).toEqual(requests.map(({ ack }) => ack));
    });
  });
});
