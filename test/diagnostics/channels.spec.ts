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
class EventFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<EnvelopeSocket>().emit('failure');
  }
}

const gate = { open: (): void => undefined };

@WebSocketGateway({ path: '/ws/:room' })
class ObservedGateway {
  @WebSocketServer() server!: EnvelopeServer;

  @SubscribeMessage('echo')
  echo(client: EnvelopeSocket, data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('fail')
  fail(): void {
    throw new WsException('no');
  }
  @UseFilters(EventFilter)
  @SubscribeMessage('fail with a filter')
  failWithFilter(): void {
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
  @SubscribeMessage('emit all')
  emitAll(@ConnectedSocket() client: EnvelopeSocket): void {
    void client.join('red');
    this.server.to('red').except('blue').emit('to room', 1);
    client.emit('to client', 2);
    client.emit('without data');
  }
  @SubscribeMessage('close')
  close(@ConnectedSocket() client: EnvelopeSocket): void {
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

class PendingGuard implements CanActivate {
  canActivate(): Promise<boolean> {
    return new Promise(() => undefined);
  }
}

@UseGuards(PendingGuard)
@WebSocketGateway({ path: '/pending' })
class PendingGateway {}

const cleanups: (() => void)[] = [];

/** Records the messages of these channels until the end of the test. */
function record<Name extends keyof EnvelopeDiagnostics>(...names: Name[]): EnvelopeDiagnostics[Name][] {
  const messages: EnvelopeDiagnostics[Name][] = [];
  for (const name of names) cleanups.push(observe(name, (message) => messages.push(message)));
  return messages;
}

afterEach(() => cleanups.splice(0).forEach((end) => end()));

const start = (limits: object = {}): Promise<TestApp> =>
  startApp({ providers: [ObservedGateway, ChildGateway, PendingGateway] }, { adapter: { limits } });

describe('diagnostics channels', () => {
  it('publish connects and disconnects', async () => {
    const [connects, disconnects] = [record('connect'), record('disconnect')];
    const app = await start();
    const client = await app.connect('/ws/7');
    await client.ask('echo');
    expect(connects.map(({ socket }) => socket instanceof EnvelopeSocket && socket.nsp.route)).toEqual([
      '/ws/:room',
    ]);
    client.ws.close(4321, 'enough');
    await until('the disconnect', () => disconnects.length > 0);
    expect(disconnects).toEqual([
      { socket: connects[0]!.socket, reason: 'transport close', closed: expect.anything() },
    ]);
    expect(disconnects[0]!.closed).toMatchObject({ code: 4321, initiator: 'client' });
  });

  it('publish the route of a namespace whose name a client chose', async () => {
    const connects = record('connect');
    const app = await start();
    await (await app.connect('/room-12')).ask('echo');
    const { nsp } = connects[0]!.socket;
    expect(nsp.name).toBe('/room-12');
    expect(nsp.route).not.toContain('12');
  });

  it('publish refused upgrades', async () => {
    const refused = record('upgrade.refuse');
    const app = await start();
    await expect(app.connect('/ws/7', { origin: 'https://elsewhere.test' })).rejects.toThrow('403');
    await expect(app.connect('/nowhere')).rejects.toThrow('404');
    expect(refused.map(({ request, status, why }) => [request.url, status, why])).toEqual([
      ['/ws/7', 403, 'origin'],
      ['/nowhere', 404, 'path'],
    ]);
  });

  it('publish the start, the error and the end of each handler', async () => {
    const steps: [string, string, string][] = [];
    const note = (what: string) => (trace: HandlerTrace) =>
      steps.push([what, trace.event, what === 'start' ? '' : trace.outcome]);
    for (const what of ['start', 'error', 'end'] as const)
      cleanups.push(observe(`handler.${what}`, note(what)));
    const app = await start();
    const client = await app.connect('/ws/7');
    const stepsOf = async (event: string, isAsked: boolean): Promise<unknown> => {
      if (isAsked) await client.ask(event);
      else client.send({ event });
      await until(`the end of ${event}`, () => steps.at(-1)?.[0] === 'end');
      return steps.splice(0);
    };
    for (const isAsked of [true, false]) {
      const ok = [['start', 'echo', ''], ['end', 'echo', 'ok']]; // prettier-ignore
      expect(await stepsOf('echo', isAsked)).toEqual(ok);
      for (const event of ['fail', 'fail with a filter']) {
        const failed = [['start', event, ''], ['error', event, 'error'], ['end', event, 'error']]; // prettier-ignore
        expect(await stepsOf(event, isAsked)).toEqual(failed);
      }
      const refused = [['start', 'unknown', ''], ['end', 'unknown', 'refused']]; // prettier-ignore
      expect(await stepsOf('unknown', isAsked)).toEqual(refused);
    }
  });

  it('publish the error of a handler, even if a filter handles it', async () => {
    const failed = record('handler.error');
    const app = await start();
    const client = await app.connect('/ws/7');
    client.send({ event: 'fail with a filter' });
    await client.next('failure');
    expect(failed[0]!.error).toEqual(new Error('inside'));
    await client.ask('fail', undefined, 5);
    expect(failed[1]).toMatchObject({ id: 5, error: new WsException('no'), code: undefined });
  });

  it('publish the end of a stream after its last value, and of a pending request as abandoned', async () => {
    const [ended, disconnects] = [record('handler.end'), record('disconnect')];
    const app = await start();
    const client = await app.connect('/ws/7');
    client.send({ event: 'count', id: 1, stream: true });
    await until('the last value', () => client.frames.length === 4);
    expect(ended.map(({ event, outcome }) => [event, outcome])).toEqual([['count', 'ok']]);
    client.send({ event: 'wait', id: 2 });
    client.ws.close();
    await client.ended();
    await until('the disconnect', () => disconnects.length === 1);
    gate.open();
    await until('the end of the handler', () => ended.length === 2);
    expect(ended[1]!.outcome).toBe('abandoned');
  });

  it('let subscribers wrap handlers, nested in order, and add meta to outgoing messages', async () => {
    const entered: string[] = [];
    const enter = (name: string): (() => void) =>
      observe('handler.start', (trace) =>
        trace.runIn((run) => {
          entered.push(`${name} ${trace.event}`);
          run();
          entered.push(`${name} ended`);
        }),
      );
    cleanups.push(
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
    const app = await start();
    const client = await app.connect('/ws/7');
    await client.ask('emit all');
    expect(entered).toEqual(['outer emit all', 'inner emit all', 'inner ended', 'outer ended']);
    expect(client.frames.slice(0, 3)).toEqual([
      { event: 'to room', data: 1, meta: { by: 'broadcast' } },
      { event: 'to client', data: 2, meta: { by: 'emit' } },
      { event: 'without data', meta: { by: 'emit' } },
    ]);
  });

  it('publish an emit to a client whose session can be recovered once, and none after its disconnect', async () => {
    const [emitted, broadcast] = [record('emit'), record('broadcast')];
    cleanups.push(observe('emit', (sent) => (sent.meta = { by: 'emit' })));
    const app = await startApp({ providers: [ObservedGateway] }, { adapter: { recovery: true } });
    const disconnects = record('disconnect');
    const client = await app.connect('/ws/7', { protocols: ['envelope.v1'] });
    await client.ask('emit all');
    expect(client.frames.filter(({ event }) => event === 'to client')).toEqual([
      { event: 'to client', data: 2, meta: { by: 'emit' }, offset: expect.any(String) },
    ]);
    expect([emitted, broadcast].map((sent) => sent.map(({ event }) => event))).toEqual([
      ['to client', 'without data'],
      ['to room'],
    ]);
    client.send({ event: 'close' });
    await until('the disconnect', () => disconnects.length === 1);
    expect(emitted).toHaveLength(2);
  });

  it('publish messages with their size, refused messages, and limits that are reached', async () => {
    const [messages, refused, limits] = [record('message'), record('message.refuse'), record('limit')];
    const app = await start({ messagesPerSecond: 0.001, messageBurst: 3, maxRooms: 3, maxConnections: 1 });
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

  it('publish the limits on concurrent work of a client', async () => {
    const limits = record('limit');
    const app = await start({ maxInFlight: 1, maxFragments: 2, upgradeTimeout: 50 });
    const client = await app.connect('/ws/7');
    client.send({ event: 'wait', id: 1 });
    client.send({ event: 'wait', id: 2 });
    await until('the second message waits', () => limits.length === 1);
    for (let i = 0; i < 3; i++) client.ws.send('x', { fin: false });
    await client.ended();
    await expect(app.connect('/pending')).rejects.toThrow('503');
    expect(limits.map(({ limit, socket }) => `${limit}: ${socket?.nsp.route}`)).toEqual([
      'maxInFlight: /ws/:room',
      'maxFragments: /ws/:room',
      'upgradeTimeout: undefined',
    ]);
  });

  it('publish the limit of a message that is too large', async () => {
    const limits = record('limit');
    const app = await start({ maxPayload: 100 });
    const client = await app.connect('/ws/7');
    client.send({ event: 'echo', data: 'x'.repeat(200) });
    await client.ended();
    await until('the limit', () => limits.length > 0);
    expect(limits.map(({ limit }) => limit)).toEqual(['maxPayload']);
  });

  it('are channels of node:diagnostics_channel', async () => {
    const messages: unknown[] = [];
    const listener = (message: unknown): void => void messages.push(message);
    subscribe('nestjs-envelope.connect', listener);
    cleanups.push(() => unsubscribe('nestjs-envelope.connect', listener));
    const app = await start();
    await (await app.connect('/ws/7')).ask('echo');
    expect(messages).toEqual([{ socket: expect.any(EnvelopeSocket) }]);
  });
});
