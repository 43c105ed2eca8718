import { request } from 'node:http';
import { Controller, Param, Sse, type MessageEvent } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { buildSchema, subscribe, parse } from 'graphql';
import { EnvelopeModule, EnvelopeServer, InjectEnvelopeServer, type RoomMessage } from '../../lib/index.js';
import { startApp } from '../support/app.js';
import { BareGateway, startBareApp } from '../support/bare-gateway.js';
import { coded } from '../support/error-code.js';
import { until } from '../support/wait.js';

@Controller()
class FeedController {
  constructor(@InjectEnvelopeServer('/ws') private readonly server: EnvelopeServer) {}

  @Sse('feed/:room')
  feed(@Param('room') room: string): Observable<MessageEvent> {
    return this.server
      .in(room)
      .messages()
      .pipe(map(({ event, data }) => ({ type: event, data: data as object })));
  }
}

const collect = async (messages: AsyncIterable<RoomMessage>, count: number): Promise<unknown[]> => {
  const got: unknown[] = [];
  for await (const { data } of messages) if (got.push(data) === count) break;
  return got;
};
const roomsOf = (server: EnvelopeServer): string[] => [...server.adapter.rooms.keys()];

describe('messages() of a room', () => {
  it('feed @Sse()', async () => {
    const app = await startApp({
      imports: [EnvelopeModule.forRoot({})],
      providers: [BareGateway],
      controllers: [FeedController],
    });
    const { server } = app.nest.get(BareGateway);
    let text = '';
    const call = request({ port: app.port, path: '/feed/red' }, (response) =>
      response.setEncoding('utf8').on('data', (part: string) => (text += part)),
    );
    call.end();
    await until('the subscription', () => roomsOf(server).includes('red'));
    server.to('red').emit('news', { text: 'one\ntwo' });
    server.to('blue').emit('news', 'not for red');
    server.emit('bye');
    await until('both events', () => text.includes('event: bye'));
    expect(
      text
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('id:')),
    ).toEqual(expect.arrayContaining(['event: news', 'data: {"text":"one\\ntwo"}', 'event: bye']));
    expect(text).not.toContain('not for red');
    call.destroy();
    await until('the end of the subscription', () => !roomsOf(server).includes('red'));
  });

  it('feed a GraphQL subscription, whose end while it waits leaves the room', async () => {
    const { server } = await startBareApp();
    const schema = buildSchema('type Query { none: Int } type Subscription { news: Int }');
    const rootValue = {
      async *news() {
        for await (const { data } of server.in('red').messages()) yield { news: data as number };
      },
    };
    const document = parse('subscription { news }');
    const results = (await subscribe({ schema, document, rootValue })) as AsyncGenerator<unknown>;
    const first = results.next();
    await until('the subscription', () => roomsOf(server).includes('red'));
    server.to('red').emit('news', 7);
    expect(await first).toMatchObject({ value: { data: { news: 7 } } });
    const messages = server.in('red').messages()[Symbol.asyncIterator]();
    const waiting = messages.next();
    await messages.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
    const end = results.return(undefined);
    server.to('red').emit('news', 8);
    await end;
    expect(roomsOf(server)).not.toContain('red');
  });

  it('are what clients read, the same for all subscribers, whatever the application changes later', async () => {
    const { server } = await startBareApp({ recovery: true });
    const seen: RoomMessage[] = [];
    for (let i = 0; i < 2; i++)
      server
        .in('red')
        .messages()
        .subscribe((message) => seen.push(message));
    const data = { at: new Date(0), list: [undefined] as unknown[] };
    server.to('red').emit('news', data);
    data.list.push('later');
    expect(seen[0]).toEqual({ event: 'news', data: { at: '1970-01-01T00:00:00.000Z', list: [null] } });
    expect(seen[1]).toBe(seen[0]);
    server.to('red').emit('plain');
    expect(seen[2]).toEqual({ event: 'plain', data: undefined });
  });

  it('leave out requests, and what the server does with the sockets of the room', async () => {
    const { server, join } = await startBareApp();
    const seen: unknown[] = [];
    server
      .in('red')
      .messages()
      .subscribe(({ event }) => seen.push(event));
    const [ada] = await join(1);
    await ada!.socket.join('red');
    await expect(server.to('red').timeout(50).emitWithAck('sum')).rejects.toThrow('timed out');
    expect(await server.in('red').fetchSockets()).toHaveLength(1);
    expect(server.sockets.size).toBe(1);
    server.in('red').socketsJoin('blue');
    server.in('red').socketsLeave('red');
    server.to('red').emit('news');
    expect(seen).toEqual(['news']);
    expect(roomsOf(server)).toContain('red');
  });

  it('wait for a loop up to maxBuffered, and then end it with an error', async () => {
    const { server } = await startBareApp();
    const all = collect(server.in('red').messages({ maxBuffered: 3 }), 4);
    for (let i = 0; i < 3; i++) server.to('red').emit('n', i);
    await new Promise(setImmediate);
    server.to('red').emit('n', 3);
    expect(await all).toEqual([0, 1, 2, 3]);
    expect(roomsOf(server)).not.toContain('red');

    const messages = server.in('red').messages({ maxBuffered: 3 })[Symbol.asyncIterator]();
    for (let i = 0; i < 5; i++) server.to('red').emit('n', i);
    expect(roomsOf(server)).not.toContain('red');
    const read = async (): Promise<void> => {
      for (;;) if ((await messages.next()).done === true) return;
    };
    await expect(read()).rejects.toMatchObject(coded('ERR_ENVELOPE_STREAM_OVERFLOW'));
  });

  it('complete when the server stops, also for who subscribes later', async () => {
    const { app, server } = await startBareApp();
    const all = collect(server.in('red').messages(), 10);
    let isComplete = false;
    server
      .in('red')
      .messages()
      .subscribe({ complete: () => (isComplete = true) });
    await app.close();
    expect(await all).toEqual([]);
    expect(isComplete).toBe(true);
    expect(await collect(server.in('red').messages(), 1)).toEqual([]);
  });

  it('exist for whole rooms only', async () => {
    const { server } = await startBareApp();
    expect(() => server.local.messages()).toThrow(
      'messages: its target is undefined: it takes rooms, such as',
    );
    expect(() => server.in('red').except('blue').messages()).toThrow(
      'messages: except is ["blue"]: it takes nothing here',
    );
    expect(() => server.in('red').messages({ maxBuffered: 0 })).toThrow('maxBuffered is 0');
    expect(() => server.in('red').messages({ maxBuffer: 1 } as object)).toThrow(
      'Did you mean "maxBuffered"?',
    );
    expect(() => server.of(/^\/x/).in('red').messages()).toThrow('observe each of its namespaces');
  });

  it('keep the namespace of a RegExp that no client uses', async () => {
    const { server } = await startBareApp();
    const child = server.of(/^\/rooms-\d+$/);
    void child;
    const red = server.of('/rooms-1');
    const seen: unknown[] = [];
    red
      .in('red')
      .messages()
      .subscribe(({ data }) => seen.push(data));
    server.of('/rooms-1').to('red').emit('n', 1);
    server.of(/^\/rooms-\d+$/).emit('n', 2);
    expect(seen).toEqual([1, 2]);
  });
});
