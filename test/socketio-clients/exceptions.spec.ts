import {
  BadRequestException,
  Catch,
  Injectable,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Ack, MessageBody, SubscribeMessage, WebSocketGateway, WsException } from '@nestjs/websockets';
import { IsInt } from 'class-validator';
import { concat, map, of, throwError, type Observable } from 'rxjs';
import type { Socket } from 'socket.io';
import { describeServers, Settling, startSharedIoApp, type IoApp, type ServerName } from './fixture.js';
import { TRANSPORTS, type Any, type IoClient } from './io-client.js';

class Numbered {
  @IsInt()
  n!: number;
}

const UNEXPECTED = { status: 'error', message: 'Internal server error' };

/** What a handler throws, and the data of the event `exception`; `cause` stands for the pattern and the data. */
type Row = [name: string, fail: () => unknown, reference: Any, ours?: Any];

const fails = (error: unknown): (() => never) => {
  return () => {
    throw error;
  };
};

const ROWS: Row[] = [
  ['a WsException', fails(new WsException('no')), { status: 'error', message: 'no', cause: true }],
  ['a WsException with an object', fails(new WsException({ code: 7 })), { code: 7 }],
  ['an Error', fails(new Error('secret')), { ...UNEXPECTED, cause: true }],
  [
    'a rejected promise',
    () => Promise.reject(new WsException('no')),
    { status: 'error', message: 'no', cause: true },
  ],
  [
    'an observable that fails',
    () => throwError(() => new WsException('no')),
    { status: 'error', message: 'no', cause: true },
  ],
  // our filter shows the client what it did wrong, where Nest's own sees an unexpected error
  [
    'an HttpException',
    fails(new BadRequestException('bad')),
    { ...UNEXPECTED, cause: true },
    { status: 'error', statusCode: 400, error: 'Bad Request', message: 'bad' },
  ],
];

function expected([, , reference, ours]: Row, server: ServerName, pattern: string, data: unknown): Any {
  const { cause, ...fields } = server === 'ours' && ours !== undefined ? ours : reference;
  return cause === true ? { ...fields, cause: { pattern, data } } : fields;
}

@Injectable()
class OnlyFriends implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToWs().getData<Any>()?.friend === true;
  }
}

@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value) => ({ wrapped: value })));
  }
}

@Injectable()
class ToEvent implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data) => ({ event: 'renamed', data })));
  }
}

@Injectable()
class Doubling implements PipeTransform {
  transform(value: Any): Any {
    return typeof value === 'number' ? value * 2 : value;
  }
}

@Catch(WsException)
class ToFiltered implements ExceptionFilter {
  catch(exception: WsException, host: ArgumentsHost): void {
    host.switchToWs().getClient<Socket>().emit('filtered', exception.message, host.switchToWs().getData());
  }
}

@Catch(WsException)
class ToAnswer implements ExceptionFilter {
  catch(_exception: WsException, host: ArgumentsHost): void {
    (host.getArgByIndex(2) as (...values: unknown[]) => void)('refused', 403);
  }
}

const toWsException = new ValidationPipe({
  exceptionFactory: (errors) => new WsException(String(errors[0]!.property)),
});

@WebSocketGateway()
class FailingGateway extends Settling {
  @SubscribeMessage('fail')
  fail(@MessageBody() name: string): unknown {
    return ROWS.find(([row]) => row === name)![1]();
  }
  @SubscribeMessage('fail by hand')
  failByHand(@MessageBody() name: string, @Ack() _ack: unknown): unknown {
    return ROWS.find(([row]) => row === name)![1]();
  }
  @SubscribeMessage('value, then error')
  valueThenError(): unknown {
    return concat(
      of(1, { event: 'named', data: 2 }),
      throwError(() => new WsException('late')),
    );
  }
  @UseGuards(OnlyFriends)
  @SubscribeMessage('guarded')
  guarded(@MessageBody() data: unknown): unknown {
    return data;
  }
  @UseInterceptors(Wrapping)
  @SubscribeMessage('wrapped')
  wrapped(@MessageBody() data: unknown): unknown {
    return data;
  }
  @UseInterceptors(ToEvent)
  @SubscribeMessage('to event')
  toEvent(@MessageBody() data: unknown): unknown {
    return data;
  }
  @UsePipes(Doubling)
  @SubscribeMessage('doubled')
  doubled(@MessageBody() data: unknown): unknown {
    return data;
  }
  @SubscribeMessage('doubled data')
  doubledData(@MessageBody('n', Doubling) n: unknown): unknown {
    return n;
  }
  @UsePipes(toWsException)
  @SubscribeMessage('validated')
  validated(@MessageBody() data: Numbered): unknown {
    return { isNumbered: data.constructor === Object || data instanceof Numbered, n: data.n };
  }
  @UsePipes(new ValidationPipe())
  @SubscribeMessage('validated by default')
  validatedByDefault(@MessageBody() data: Numbered): unknown {
    return data.n;
  }
  @UseFilters(ToFiltered)
  @SubscribeMessage('filtered')
  filtered(): never {
    throw new WsException('to the filter');
  }
  @UseFilters(ToAnswer)
  @SubscribeMessage('answered by a filter')
  answeredByFilter(): never {
    throw new WsException('to the filter');
  }
}

describeServers('exceptions and enhancers', (server) => {
  let app: IoApp;
  beforeAll(async () => {
    app = await startSharedIoApp(server, { providers: [FailingGateway] });
  });
  afterAll(() => app.close());

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let client: IoClient;
    let acks: Any[][];
    const ack = (...values: Any[]): void => void acks.push(values);
    beforeEach(async () => {
      client = await app.connect('/', { transport });
      acks = [];
    });
    afterEach(() => client.destroy());

    describe.each(['fail', 'fail by hand'])('of the handler "%s"', (event) => {
      it.each(ROWS)('emits %s as the event exception, and acknowledges nothing', async (...row) => {
        client.emit(event, row[0]);
        client.emit(event, row[0], ack);
        await client.settled();
        const exception = expected(row as Row, server, event, row[0]);
        expect(client.events).toEqual([
          ['exception', exception],
          ['exception', exception],
        ]);
        expect(acks).toEqual([]);
      });
    });

    it('sends what an observable emits before it fails', async () => {
      client.emit('value, then error', null, ack);
      await client.settled();
      expect(acks).toEqual([[1]]);
      expect(client.events).toEqual([
        ['named', 2],
        [
          'exception',
          { status: 'error', message: 'late', cause: { pattern: 'value, then error', data: null } },
        ],
      ]);
    });

    it('keeps requests without an acknowledgement open, without end', async () => {
      for (let n = 0; n < 200; n++) client.emit('fail', 'a WsException', ack);
      await client.settled();
      expect(client.of('exception')).toHaveLength(200);
      expect(acks).toEqual([]);
    });

    it('names all arguments as the cause', async () => {
      client.emit('guarded', 1, 'two');
      expect(await client.next('exception')).toEqual([
        { status: 'error', message: 'Forbidden resource', cause: { pattern: 'guarded', data: [1, 'two'] } },
      ]);
    });

    it('lets a guard decide', async () => {
      client.emit('guarded', { friend: false }, ack);
      await client.next('exception');
      expect(await client.ask('guarded', { friend: true })).toEqual([{ friend: true }]);
      expect(acks).toEqual([]);
    });

    it('acknowledges what an interceptor makes of a result', async () => {
      expect(await client.ask('wrapped', 1)).toEqual([{ wrapped: 1 }]);
      expect(await client.ask('wrapped', 1, 2)).toEqual([{ wrapped: [1, 2] }]);
      client.emit('to event', 1, ack);
      expect(await client.next('renamed')).toEqual([1]);
      expect(acks).toEqual([]);
    });

    it('passes data through pipes', async () => {
      expect(await client.ask('doubled', 4)).toEqual([8]);
      expect(await client.ask('doubled', 'text')).toEqual(['text']);
      expect(await client.ask('doubled data', { n: 4 })).toEqual([8]);
    });

    it('refuses what a ValidationPipe refuses', async () => {
      expect(await client.ask('validated', { n: 4 })).toEqual([{ isNumbered: true, n: 4 }]);
      client.emit('validated', { n: 'four' }, ack);
      expect(await client.next('exception')).toEqual([
        { status: 'error', message: 'n', cause: { pattern: 'validated', data: { n: 'four' } } },
      ]);
      client.emit('validated by default', { n: 'four' }, ack);
      const ours = {
        status: 'error',
        statusCode: 400,
        error: 'Bad Request',
        message: ['n must be an integer number'],
      };
      const reference = { ...UNEXPECTED, cause: { pattern: 'validated by default', data: { n: 'four' } } };
      expect(await client.next('exception')).toEqual([server === 'ours' ? ours : reference]);
      expect(acks).toEqual([]);
    });

    it('leaves the refusal to a filter', async () => {
      client.emit('filtered', { a: 1 }, ack);
      expect(await client.next('filtered')).toEqual(['to the filter', { a: 1 }]);
      await client.settled();
      expect(client.of('exception')).toEqual([]);
      expect(acks).toEqual([]);
    });

    it('lets a filter acknowledge', async () => {
      expect(await client.ask('answered by a filter', 1)).toEqual(['refused', 403]);
    });
  });
});
