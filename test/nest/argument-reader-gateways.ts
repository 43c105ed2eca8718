import {
  Catch,
  createParamDecorator,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import {
  Ack,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { map, of, throwError, type Observable } from 'rxjs';
import { EnvelopeSocket } from '../../lib/index.js';

/**
 * What happened in handlers, pipes, guards and filters, each with the number of turns of the queue of microtasks since the
 * message was taken.
 */
export const log: string[] = [];
let turn = 0;

function note(what: string): void {
  log.push(`${turn}: ${what}`);
}

const DONE = Promise.resolve();

async function countTurns(): Promise<void> {
  for (turn = 0; turn < 100; turn++) await DONE;
}

@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    note('guard');
    const data: unknown = context.switchToWs().getData();
    return data === 'forbidden' ? Promise.resolve(false) : true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    note('interceptor');
    return next.handle().pipe(map((value: unknown) => ({ intercepted: value })));
  }
}

class Pipe implements PipeTransform {
  constructor(private readonly name: string) {}
  transform(
    value: unknown,
    { type, data, metatype }: { type: string; data?: unknown; metatype?: unknown },
  ): unknown {
    note(`pipe ${this.name} ${type} ${String(data)} ${(metatype as { name?: string } | undefined)?.name}`);
    if (value === `throw ${this.name}`) throw new WsException(`thrown by ${this.name}`);
    if (value === `reject ${this.name}`) return Promise.reject(new WsException(`rejected by ${this.name}`));
    if (value === `wait ${this.name}`) return new Promise((resolve) => setImmediate(resolve, 'waited'));
    return type === 'body' && typeof value === 'string' ? Promise.resolve(`${value} ${this.name}`) : value;
  }
}

@Catch()
class Filter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    note(`filter ${error.message}`);
    host
      .switchToWs()
      .getClient<EnvelopeSocket>()
      .emit('exception', { message: `filtered ${error.message}` });
  }
}

const Query = createParamDecorator((name: string, context: ExecutionContext): unknown => {
  note('decorator');
  const client: EnvelopeSocket = context.switchToWs().getClient();
  return name === 'later' ? Promise.resolve('later') : client.query[name];
});

/** What a middleware gives as data, which JSON cannot. */
const UNUSUAL: Record<string, () => unknown> = {
  promise: () => Promise.resolve('of a promise'),
  rejection: () => Promise.reject(new WsException('a rejected promise')),
  getter: () => ({
    get part(): unknown {
      throw new WsException('a getter');
    },
  }),
};

@WebSocketGateway({ path: '/ws' })
class PlainGateway {
  handleConnection(client: EnvelopeSocket): void {
    client.use((message, next) => {
      const [, data] = message as [string, { unusual?: string } | undefined];
      if (data?.unusual !== undefined) message[1] = UNUSUAL[data.unusual]!() as never;
      void countTurns();
      next();
    });
    client.onAnyOutgoing((event: string, data: unknown) => note(`sent ${event} ${JSON.stringify(data)}`));
  }

  @SubscribeMessage('bare')
  bare(client: unknown, data: unknown, ack: unknown, ...more: unknown[]): unknown {
    note(
      `bare ${this instanceof PlainGateway} ${client instanceof EnvelopeSocket} ${typeof ack} ${more.length}`,
    );
    // what a handler begins, and does not wait for
    for (let hops = 1; hops < 9; hops++) void after(hops).then(() => note(`after ${hops}`));
    return data;
  }
  @SubscribeMessage('nothing')
  nothing(): void {
    note(`nothing ${arguments.length}`);
  }
  @SubscribeMessage('parts')
  parts(
    @MessageBody('part') part: unknown,
    @ConnectedSocket() client: EnvelopeSocket,
    @Ack() ack?: (value: unknown) => void,
  ): unknown {
    note(`parts ${String(part)} ${client.connected} ${typeof ack}`);
    ack?.('acknowledged');
    return { event: 'part', data: part };
  }
  @SubscribeMessage('asynchronous')
  async asynchronous(@MessageBody() data: unknown): Promise<unknown> {
    note('asynchronous');
    if (data === 'reject') throw new WsException('rejected');
    await DONE;
    return data;
  }
  @UseFilters(new Filter())
  @SubscribeMessage('throws')
  throws(@MessageBody() data: string): never {
    note('throws');
    throw data === 'client' ? new WsException('thrown') : new Error(data);
  }
  @SubscribeMessage('unfiltered')
  unfiltered(): never {
    note('unfiltered');
    throw new WsException('thrown');
  }
  @SubscribeMessage('source')
  source(@MessageBody() data: string): Observable<unknown> {
    note('source');
    return data === 'fail' ? throwError(() => new WsException('failed')) : of(1, 2);
  }
  @SubscribeMessage('generator')
  async *generator(@MessageBody() count: number): AsyncGenerator<number> {
    for (let i = 0; i < count; i++) yield i;
    throw new WsException('generated');
  }
  @UseGuards(Guard)
  @SubscribeMessage('guarded')
  guarded(@MessageBody() data: unknown): unknown {
    note('guarded');
    return data;
  }
  @UseInterceptors(Interceptor)
  @SubscribeMessage('intercepted')
  intercepted(@MessageBody() data: unknown): unknown {
    note('intercepted');
    if (data === 'throw') throw new WsException('thrown');
    return data;
  }
  @SubscribeMessage('decorated')
  decorated(
    @Query('name') name: unknown,
    @Query('later') later: unknown,
    @MessageBody() data: unknown,
  ): unknown {
    note('decorated');
    return [name, later, data];
  }
}

function after(hops: number): Promise<void> {
  return hops === 1 ? Promise.resolve() : Promise.resolve().then(() => after(hops - 1));
}

@UsePipes(new Pipe('a'))
@WebSocketGateway({ path: '/ws' })
class PipedGateway {
  @SubscribeMessage('piped')
  piped(client: unknown, data: unknown): unknown {
    note(`piped ${client instanceof EnvelopeSocket}`);
    return data;
  }
  @UsePipes(new Pipe('b'))
  @SubscribeMessage('twice')
  twice(@MessageBody() data: unknown, @ConnectedSocket() client: EnvelopeSocket): unknown {
    note('twice');
    return [data, client.connected];
  }
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  @UseFilters(new Filter())
  @SubscribeMessage('all')
  all(@MessageBody('part', new Pipe('c')) data: unknown, @Query('later') later: unknown): unknown {
    note('all');
    return [data, later];
  }
}

@WebSocketGateway({ path: '/ws' })
class MixedGateway {
  @SubscribeMessage('mixed')
  mixed(@ConnectedSocket() client: EnvelopeSocket, @MessageBody(new Pipe('d')) data: unknown): unknown {
    note('mixed');
    return [client.connected, data];
  }
  @SubscribeMessage('mixed decorators')
  mixedDecorators(@Query('name') name: unknown, @MessageBody(new Pipe('d')) data: unknown): unknown {
    note('mixed decorators');
    return [name, data];
  }
}

@WebSocketGateway({ path: '/ws' })
@Injectable({ scope: Scope.REQUEST })
class ScopedGateway {
  @SubscribeMessage('scoped')
  scoped(@MessageBody() data: unknown): unknown {
    note('scoped');
    if (data === 'throw') throw new WsException('thrown');
    return data;
  }
}

@WebSocketGateway({ path: '/ws' })
@Injectable({ scope: Scope.REQUEST, durable: true })
class DurableGateway {
  @SubscribeMessage('durable')
  durable(@MessageBody() data: unknown): unknown {
    note('durable');
    return data;
  }
}

export const GATEWAYS = [PlainGateway, PipedGateway, MixedGateway, ScopedGateway, DurableGateway];
