import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  Catch,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
} from '@nestjs/common';
import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from '@nestjs/websockets';
import { interval, map, take, type Observable } from 'rxjs';
import {
  EnvelopeServer,
  EnvelopeSocket,
  observe,
  type EnvelopeDiagnostics,
  type HandlerTrace,
} from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { until } from '../support/wait.js';

@Catch()
class Silent implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<EnvelopeSocket>().emit('sorry');
  }
}

const gate = { open: (): void => undefined };

@WebSocketGateway({ path: '/ws/:room' })
class SeenGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('echo')
  echo(client: EnvelopeSocket, data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('fail')
  fail(): void {
    throw new WsException('no');
  }
  @UseFilters(Silent)
  @SubscribeMessage('fail silently')
  failSilently(): void {
    throw new Error('inside');
  }
  @SubscribeMessage('count')
  count(): Observable<number> {
    return interval(1).pipe(
      take(3),
      map((n) => n + 1),
    );
  }
  @SubscribeMessage('wait')
  wait(): Promise<void> {
    return new Promise((resolve) => (gate.open = resolve));
  }
  @SubscribeMessage('shout')
  shout(@ConnectedSocket() client: EnvelopeSocket): void {
    void client.join('red');
    this.server.to('red').except('blue').emit('loud', 1);
    client.emit('low', 2);
    client.emit('bare');
  }
  @SubscribeMessage('goodbye')
  goodbye(@ConnectedSocket() client: EnvelopeSocket): void {
    client.close(4000);
    client.emit('too late');
  }
  @SubscribeMessage('join')
  async join(@ConnectedSocket() client: EnvelopeSocket): Promise<void> {
    await client.join(['a', 'b', 'c']);
  }
}

@WebSocketGateway({ namespace: /^\/room-\d+$/ })
class ChildGateway {
  @SubscribeMessage('echo')
  echo(_: unknown, data: unknown): unknown {
    return data;
  }
}

class Undecided implements CanActivate {
  canActivate(): Promise<boolean> {
    return new Promise(() => undefined);
  }
}

@UseGuards(Undecided)
@WebSocketGateway({ path: '/undecided' })
class UndecidedGateway {}

const ends: (() => void)[] = [];

/** Keeps what a channel tells until the end of the test. */
function hear<Name extends keyof EnvelopeDiagnostics>(...names: Name[]): EnvelopeDiagnostics[Name][] {
  const heard: EnvelopeDiagnostics[Name][] = [];
  for (const name of names) ends.push(observe(name, (message) => heard.push(message)));
  return heard;
}

afterEach(() => ends.splice(0).forEach((end) => end()));

const serve = (limits: object = {}): Promise<TestApp> =>
  startApp({ providers: [SeenGateway, ChildGateway, UndecidedGateway] }, { adapter: { limits } });

describe('diagnostics channels', () => {
  it('tell of clients that come and go', async () => {
    const [came, went] = [hear('connect'), hear('disconnect')];
    const app = await serve();
    const client = await app.connect('/ws/7');
    await client.ask('echo');
    expect(came.map(({ socket }) => socket instanceof EnvelopeSocket && socket.nsp.route)).toEqual([
      '/ws/:room',
    ]);
    client.ws.close(4321, 'enough');
    await until('the disconnect', () => went.length > 0);
    expect(went).toEqual([{ socket: came[0]!.socket, reason: 'transport close', closed: expect.anything() }]);
    expect(went[0]!.closed).toMatchObject({ code: 4321, initiator: 'client' });
  });

  it('name the route of a namespace that clients choose the name of', async () => {
    const came = hear('connect');
    const app = await serve();
    await (await app.connect('/room-12')).ask('echo');
    const { nsp } = came[0]!.socket;
    expect(nsp.name).toBe('/room-12');
    expect(nsp.route).not.toContain('12');
  });

  it('tell of upgrades that are refused', async () => {
    const refused = hear('upgrade.refuse');
    const app = await serve();
    await expect(app.connect('/ws/7', { origin: 'https://elsewhere.test' })).rejects.toThrow('403');
    await expect(app.connect('/nowhere')).rejects.toThrow('404');
    expect(refused.map(({ request, status }) => [request.url, status])).toEqual([
      ['/ws/7', 403],
      ['/nowhere', 404],
    ]);
  });

  it('follow an event through its handlers', async () => {
    const story: [string, string, string][] = [];
    const note = (what: string) => (trace: HandlerTrace) =>
      story.push([what, trace.event, what === 'start' ? '' : trace.outcome]);
    for (const what of ['start', 'error', 'end'] as const) ends.push(observe(`handler.${what}`, note(what)));
    const app = await serve();
    const client = await app.connect('/ws/7');
    const tell = async (event: string, isAsked: boolean): Promise<unknown> => {
      if (isAsked) await client.ask(event);
      else client.send({ event });
      await until(`the end of ${event}`, () => story.at(-1)?.[0] === 'end');
      return story.splice(0);
    };
    for (const isAsked of [true, false]) {
      const ok = [['start', 'echo', ''], ['end', 'echo', 'ok']]; // prettier-ignore
      expect(await tell('echo', isAsked)).toEqual(ok);
      for (const event of ['fail', 'fail silently']) {
        const failed = [['start', event, ''], ['error', event, 'error'], ['end', event, 'error']]; // prettier-ignore
        expect(await tell(event, isAsked)).toEqual(failed);
      }
      const refused = [['start', 'nobody', ''], ['end', 'nobody', 'refused']]; // prettier-ignore
      expect(await tell('nobody', isAsked)).toEqual(refused);
    }
  });

  it('show what a handler threw, also where a filter of its own takes it', async () => {
    const failed = hear('handler.error');
    const app = await serve();
    const client = await app.connect('/ws/7');
    client.send({ event: 'fail silently' });
    await client.next('sorry');
    expect(failed[0]!.error).toEqual(new Error('inside'));
    await client.ask('fail', undefined, 5);
    expect(failed[1]).toMatchObject({ id: 5, error: new WsException('no'), code: undefined });
  });

  it('end a stream with its last value, and what was abandoned with its client', async () => {
    const [ended, went] = [hear('handler.end'), hear('disconnect')];
    const app = await serve();
    const client = await app.connect('/ws/7');
    client.send({ event: 'count', id: 1, stream: true });
    await until('the last value', () => client.frames.length === 4);
    expect(ended.map(({ event, outcome }) => [event, outcome])).toEqual([['count', 'ok']]);
    client.send({ event: 'wait', id: 2 });
    client.ws.close();
    await client.ended();
    await until('the end of the client', () => went.length === 1);
    gate.open();
    await until('the end of the handler', () => ended.length === 2);
    expect(ended[1]!.outcome).toBe('abandoned');
  });

  it('let listeners run the handlers, each within those before, and add to what goes out', async () => {
    const entered: string[] = [];
    const enter = (name: string): (() => void) =>
      observe('handler.start', (trace) =>
        trace.runIn((run) => {
          entered.push(`${name} ${trace.event}`);
          run();
          entered.push(`${name} is left`);
        }),
      );
    ends.push(
      enter('outer'),
      enter('inner'),
      observe('emit', (sent) => (sent.meta = { by: 'emit' })),
      observe('broadcast', (sent) => {
        expect([[...sent.rooms], [...sent.except], sent.server.name]).toEqual([
          ['red'],
          ['blue'],
          '/ws/:room',
        ]);
        sent.meta = { by: 'broadcast' };
      }),
    );
    const app = await serve();
    const client = await app.connect('/ws/7');
    await client.ask('shout');
    expect(entered).toEqual(['outer shout', 'inner shout', 'inner is left', 'outer is left']);
    expect(client.frames.slice(0, 3)).toEqual([
      { event: 'loud', data: 1, meta: { by: 'broadcast' } },
      { event: 'low', data: 2, meta: { by: 'emit' } },
      { event: 'bare', meta: { by: 'emit' } },
    ]);
  });

  it('tell of an emit as such where the client may come back, and not where it has gone', async () => {
    const [emitted, broadcast] = [hear('emit'), hear('broadcast')];
    ends.push(observe('emit', (sent) => (sent.meta = { by: 'emit' })));
    const app = await startApp({ providers: [SeenGateway] }, { adapter: { recovery: true } });
    const went = hear('disconnect');
    const client = await app.connect('/ws/7', { protocols: ['envelope.v1'] });
    await client.ask('shout');
    expect(client.frames.filter(({ event }) => event === 'low')).toEqual([
      { event: 'low', data: 2, meta: { by: 'emit' }, offset: expect.any(String) },
    ]);
    expect([emitted, broadcast].map((sent) => sent.map(({ event }) => event))).toEqual([
      ['low', 'bare'],
      ['loud'],
    ]);
    client.send({ event: 'goodbye' });
    await until('the end', () => went.length === 1);
    expect(emitted).toHaveLength(2);
  });

  it('tell of messages and their size, of those that are refused, and of limits that are hit', async () => {
    const [messages, refused, limits] = [hear('message'), hear('message.refuse'), hear('limit')];
    const app = await serve({ messagesPerSecond: 1, messageBurst: 3, maxRooms: 3, maxConnections: 1 });
    const client = await app.connect('/ws/7');
    client.ws.send('{"event":"echo","data":"ä"}');
    client.ws.send('no JSON');
    client.send({ event: 'join', id: 1 });
    client.send({ event: 'echo' });
    await until('the refusals', () => client.frames.length === 4);
    expect(messages.map(({ bytes }) => bytes)).toEqual([28, 7, 23, 16]);
    expect(refused.map(({ code }) => code)).toEqual(['bad_frame', 'rate_limited']);
    await expect(app.connect('/ws/7')).rejects.toThrow('503');
    const hit = limits.map(({ limit, socket }) => `${limit}: ${socket?.nsp.route}`);
    expect(hit.sort((a, b) => a.localeCompare(b))).toEqual([
      'maxConnections: undefined',
      'maxRooms: /ws/:room',
      'messagesPerSecond: /ws/:room',
    ]);
  });

  it('tell of limits on what a client has under way', async () => {
    const limits = hear('limit');
    const app = await serve({ maxInFlight: 1, maxFragments: 2, upgradeTimeout: 50 });
    const client = await app.connect('/ws/7');
    client.send({ event: 'wait', id: 1 });
    client.send({ event: 'wait', id: 2 });
    await until('the second to be held', () => limits.length === 1);
    for (let i = 0; i < 3; i++) client.ws.send('x', { fin: false });
    await client.ended();
    await expect(app.connect('/undecided')).rejects.toThrow('503');
    expect(limits.map(({ limit, socket }) => `${limit}: ${socket?.nsp.route}`)).toEqual([
      'maxInFlight: /ws/:room',
      'maxFragments: /ws/:room',
      'upgradeTimeout: undefined',
    ]);
  });

  it('tell of a message that was too large', async () => {
    const limits = hear('limit');
    const app = await serve({ maxPayload: 100 });
    const client = await app.connect('/ws/7');
    client.send({ event: 'echo', data: 'x'.repeat(200) });
    await client.ended();
    await until('the limit', () => limits.length > 0);
    expect(limits.map(({ limit }) => limit)).toEqual(['maxPayload']);
  });

  it("are Node's own", async () => {
    const heard: unknown[] = [];
    const listener = (message: unknown): void => void heard.push(message);
    subscribe('nestjs-envelope.connect', listener);
    ends.push(() => unsubscribe('nestjs-envelope.connect', listener));
    const app = await serve();
    await (await app.connect('/ws/7')).ask('echo');
    expect(heard).toEqual([{ socket: expect.any(EnvelopeSocket) }]);
  });
});
