import {
  Injectable,
  NotFoundException,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type NestInterceptor,
} from '@nestjs/common';
import {
  Ack,
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { Type } from 'class-transformer';
import { IsDate, IsEmail, IsInt, ValidateNested } from 'class-validator';
import { map, of, type Observable } from 'rxjs';
import * as v from 'valibot';
import { z } from 'zod';
import { defineEvents, Emits, Replies, schema } from '../../lib/contract/index.js';
import { EnvelopeModule, EnvelopeServer, EnvelopeSocket, Signal } from '../../lib/index.js';
import { EnvelopeHttpApiModule } from '../../lib/http-api/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { coded } from '../support/error-code.js';

class PointDto {
  @IsInt() x!: number;
}
class PlaceDto {
  @IsEmail() owner!: string;
  @IsDate() since!: Date;
  @ValidateNested({ each: true }) @Type(() => PointDto) points!: PointDto[];
}

const Said = z.object({
  text: z.string().min(1),
  at: z.iso.datetime(),
  author: z.object({ name: z.string() }),
});
const said = { text: 'hi', at: '2026-01-31T12:00:00.000Z', author: { name: 'ada' } };
const place = { owner: 'ada@example.com', since: new Date(0), points: [{ x: 1 }] };

const events = defineEvents({
  said: Said,
  rows: [v.object({ id: v.number() })],
  place: PlaceDto,
  places: [PlaceDto],
  count: Number,
  day: Date,
  pair: z.tuple([z.string(), z.number()]),
  asked: z.string(),
  any: { type: 'string' },
  shape: schema<{ x: number }>({ type: 'object' }),
  bye: null,
  later: z.string().refine(async () => Promise.resolve(true)),
});

@Injectable()
class AddText implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: object) => ({ ...said, ...value })));
  }
}

@Injectable()
class Open implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Emits(events)
@WebSocketGateway({ path: '/ws' })
class ChatGateway {
  @WebSocketServer() server!: EnvelopeServer;
  client!: EnvelopeSocket;

  handleConnection(client: EnvelopeSocket): void {
    this.client = client;
  }

  @Emits('fromHandler', z.number())
  @Replies(Said)
  @SubscribeMessage('say')
  say(): unknown {
    return { ...said, text: '' };
  }

  @Replies(Said) @SubscribeMessage('valid') valid(): unknown {
    return Promise.resolve(said);
  }

  @UseInterceptors(AddText)
  @Replies(Said)
  @SubscribeMessage('mapped')
  mapped(): unknown {
    return { text: 'from an interceptor' };
  }

  @Replies(z.number(), { stream: true }) @SubscribeMessage('ticks') *ticks(): Generator<unknown> {
    yield 1;
    yield 'two';
  }

  @Replies(z.number(), { event: 'size' }) @SubscribeMessage('measure') measure(): unknown {
    return of({ event: 'size', data: 'wide' });
  }

  @Replies(z.number()) @SubscribeMessage('acked') acked(@Ack() ack: (value: number) => void): string {
    ack(1);
    return 'no answer';
  }

  @Replies(Said) @SubscribeMessage('throws') throws(): unknown {
    throw new NotFoundException('no such text');
  }

  @Replies(Said) @SubscribeMessage('aborted') async aborted(@Signal() signal: AbortSignal): Promise<unknown> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  }

  @Replies(Said) @SubscribeMessage('forgets') forgets(): void {}

  @SubscribeMessage('emits') emits(@ConnectedSocket() client: EnvelopeSocket): void {
    client.emit('count', 'three');
  }
}

const invalid = (text: string): Error => coded('ERR_ENVELOPE_INVALID_EMIT', text);
const start = (): Promise<TestApp> =>
  startApp({ providers: [ChatGateway] }, { adapter: { validateEmits: true } });
const emits = (event: string): string =>
  `ChatGateway emits "${event}" with data that its @Emits does not allow: `;

describe('validateEmits', () => {
  it('throws from each kind of emit, with the gateway, the event and the place', async () => {
    const app = await start();
    await app.connect('/ws');
    const { server, client } = app.nest.get(ChatGateway);
    const wrong = { ...said, author: { name: 7 } };
    const text = emits('said') + 'data.author.name: Invalid input: expected string, received number';
    for (const emit of [
      () => server.emit('said', wrong),
      () => server.to('red').volatile.emit('said', wrong),
      () => client.emit('said', wrong),
      () => client.broadcast.emit('said', wrong),
      () => client.emit('said', wrong, () => undefined),
      () => server.timeout(1).emit('said', wrong, () => undefined),
    ])
      expect(emit).toThrow(invalid(text));
    await expect(client.emitWithAck('said', wrong)).rejects.toThrow(invalid(text));
    await expect(server.emitWithAck('said', wrong)).rejects.toThrow(invalid(text));
    const [remote] = await server.fetchSockets();
    expect(() => remote!.emit('said', wrong)).toThrow(invalid(text));
    expect(() => server.emit('fromHandler', 'x')).toThrow(
      invalid(emits('fromHandler') + 'data: Invalid input'),
    );
  });

  it('sends what is valid, as it was emitted', async () => {
    const app = await start();
    const socket = await app.connect('/ws');
    const { server, client } = app.nest.get(ChatGateway);
    const extra = { ...said, more: true };
    const sent: [string, ...unknown[]][] = [
      ['said', extra],
      ['said', { ...said, at: new Date(0) }],
      ['said', { toJSON: () => said }],
      ['rows', [{ id: 1 }]],
      ['place', place],
      ['place', Object.assign(new PlaceDto(), place)],
      ['places', [place, place]],
      ['count', 3],
      ['day', new Date(0)],
      ['pair', 'a', 1],
      ['any', 3],
      ['shape', 3],
      ['undeclared', 3],
      ['bye'],
    ];
    for (const [event, ...data] of sent) {
      client.emit(event, ...data);
      server.emit(event, ...data);
    }
    for (const [event, ...data] of sent) {
      const expected = JSON.parse(
        JSON.stringify({ event, data: data.length > 1 ? data : data[0] }),
      ) as object;
      expect(await socket.next(event)).toEqual(expected);
      expect(await socket.next(event)).toEqual(expected);
    }
  });

  it.each<[string, unknown[], string]>([
    ['said', [undefined], 'data: Invalid input: expected object, received undefined'],
    ['rows', [{ id: 1 }], 'data: expected a list'],
    ['rows', [[{ id: 1 }, { id: 'b' }]], 'data[1].id: Invalid type: Expected number but received "b"'],
    [
      'place',
      [{ ...place, points: [{ x: 1 }, { x: 'y' }] }],
      'data.points[1].x: x must be an integer number',
    ],
    ['places', [[place, { ...place, owner: 'me' }]], 'data[1].owner: owner must be an email'],
    ['place', ['here'], 'data: expected an object like PlaceDto'],
    ['place', [{}], 'data.owner: owner must be an email; data.since: since must be a Date instance'],
    ['count', ['3'], 'data: expected a number'],
    ['count', [Number.NaN], ''],
    ['day', [null], 'data: expected a date'],
    ['pair', ['a', 'b'], 'data[1]: Invalid input: expected number, received string'],
    ['bye', [1], 'data: it is declared without data'],
    ['later', ['x'], 'data: its schema validates asynchronously, and emit cannot wait'],
  ])('refuses %s with %j', async (event, data, text) => {
    const { nest } = await start();
    const { server } = nest.get(ChatGateway);
    if (text === '') expect(() => server.emit(event, ...data)).toThrow(/NaN/);
    else expect(() => server.emit(event, ...data)).toThrow(invalid(emits(event) + text));
  });

  it('logs a wrong answer of a handler, and what a handler emits wrongly', async () => {
    const app = await start();
    const socket = await app.connect('/ws');
    const answer = (event: string): Promise<object> => socket.ask(event, undefined, event);
    const failed = { event: 'exception', data: { status: 'error', message: 'Internal server error' } };
    expect(await answer('valid')).toEqual({ event: 'valid', data: said, ack: 'valid' });
    expect(await answer('mapped')).toMatchObject({ data: { text: 'from an interceptor' } });
    expect(await answer('acked')).toMatchObject({ data: 1 });
    for (const event of ['say', 'measure', 'emits']) expect(await answer(event)).toMatchObject(failed);
    socket.send({ event: 'ticks', id: 'ticks', stream: true });
    expect(await socket.answer('ticks')).toMatchObject({ data: 1, more: true });
    expect(await socket.answer('ticks')).toMatchObject(failed);
    const logged = app.log.of('error').join('\n');
    for (const text of [
      'ChatGateway.say answers with data that its @Replies does not allow: data.text: Too small',
      'ChatGateway.measure answers with data that its @Replies does not allow: data: Invalid input',
      'ChatGateway.ticks answers with data that its @Replies does not allow: data: Invalid input',
      emits('count') + 'data: expected a number',
    ])
      expect(logged).toContain(text);
  });

  it('does not check what a handler that threw returns, which is nothing', async () => {
    const app = await start();
    const socket = await app.connect('/ws');
    const refused = { event: 'exception', data: { statusCode: 404, message: 'no such text' } };
    expect(await socket.ask('throws', undefined, 1)).toMatchObject(refused);
    // without an id, too: one exception
    socket.send({ event: 'throws' });
    expect(await socket.next('exception')).toMatchObject(refused);
    socket.send({ event: 'aborted', id: 2 });
    socket.send({ event: '$cancel', data: 2 });
    expect(await socket.answer(2)).toEqual({ event: 'aborted', ack: 2 });
    await socket.settled();
    expect(socket.frames.filter(({ event }) => event === 'exception')).toHaveLength(2);
    expect(app.log.of('error')).toEqual([]);
    expect(await socket.ask('forgets', undefined, 3)).toMatchObject({
      event: 'exception',
      data: { message: 'Internal server error' },
    });
  });

  it('takes what one of several gateways of a path declares, and checks each path by itself', async () => {
    @Emits('count', String)
    @WebSocketGateway({ path: '/ws' })
    class OtherGateway {}
    @WebSocketGateway({ path: '/other' })
    class FarGateway {
      @WebSocketServer() server!: EnvelopeServer;
    }
    const { nest } = await startApp(
      { providers: [ChatGateway, OtherGateway, FarGateway] },
      { adapter: { validateEmits: true } },
    );
    const { server } = nest.get(ChatGateway);
    expect(server.emit('count', 'three')).toBe(true);
    expect(server.emit('count', 3)).toBe(true);
    expect(() => server.emit('count', true)).toThrow(invalid(emits('count')));
    expect(nest.get(FarGateway).server.emit('count', true)).toBe(true);
  });

  it('warns of a schema that transforms values, which it cannot check', async () => {
    const length = z.string().transform(Number).pipe(z.number());
    @Emits('length', length)
    @Emits('sized', z.object({ size: z.number().default(1) }))
    @WebSocketGateway({ path: '/ws' })
    class LengthGateway {
      @WebSocketServer() server!: EnvelopeServer;
    }
    const { nest, log } = await startApp(
      { providers: [LengthGateway] },
      { adapter: { validateEmits: true } },
    );
    const { server } = nest.get(LengthGateway);
    expect(server.emit('length', 3)).toBe(true);
    expect(() => server.emit('sized', { size: '1' })).toThrow(coded('ERR_ENVELOPE_INVALID_EMIT'));
    expect(log.of('warn')).toEqual([
      'EnvelopeAdapter: validateEmits cannot check "length" of LengthGateway: its schema transforms values. ' +
        'Declare the schema of what is sent',
    ]);
  });

  it('can be set in EnvelopeModule', async () => {
    const imports = [EnvelopeModule.forRoot({ validateEmits: true })];
    const { nest } = await startApp({ imports, providers: [ChatGateway] });
    expect(() => nest.get(ChatGateway).server.emit('count', 'three')).toThrow(invalid(emits('count')));
  });

  it('refuses what other programs send over HTTP, before anything of the list is sent', async () => {
    const imports = [
      EnvelopeModule.forRoot({ path: '/ws' }),
      EnvelopeHttpApiModule.register({ guards: [Open] }),
    ];
    const app = await startApp({ imports, providers: [ChatGateway] }, { adapter: { validateEmits: true } });
    const socket = await app.connect('/ws');
    const post = (body: unknown): Promise<Response> =>
      fetch(`http://127.0.0.1:${app.port}/envelope/emit`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const wrong = await post([{ event: 'any' }, { event: 'count', data: 'three' }]);
    expect([wrong.status, await wrong.json()]).toMatchObject([
      400,
      { message: `body[1].data ${emits('count')}data: expected a number` },
    ]);
    expect((await post({ event: 'count', data: 3 })).status).toBe(202);
    expect(await socket.next('count')).toEqual({ event: 'count', data: 3 });
    expect(socket.frames.map(({ event }) => event)).not.toContain('any');
  });

  it('checks nothing by default, and takes true or false', async () => {
    const { nest } = await startApp({ providers: [ChatGateway] });
    expect(nest.get(ChatGateway).server.emit('count', 'three')).toBe(true);
    await expect(startApp({ providers: [] }, { adapter: { validateEmits: 'yes' as never } })).rejects.toThrow(
      coded('ERR_ENVELOPE_INVALID_OPTION', 'validateEmits is "yes": it takes true or false'),
    );
  });
});
