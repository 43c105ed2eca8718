import {
  Controller,
  Inject,
  Injectable,
  ParseIntPipe,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type RpcExceptionFilter,
} from '@nestjs/common';
import { CONTEXT, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { map, throwError, type Observable } from 'rxjs';
import { EnvelopeContext } from '../../lib/microservices/index.js';
import { ask, startHybrid } from './fixture.js';

class OnlyAda implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const rpc = context.switchToRpc();
    return context.getType() === 'rpc' && rpc.getContext<EnvelopeContext>().getUser() === 'ada';
  }
}

class KnowsEverybody implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToRpc().getContext<EnvelopeContext>().getSocketRef();
    client.user = context.switchToRpc().getData<{ user: string }>().user;
    return true;
  }
}

class Doubled implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<number>): Observable<number> {
    return next.handle().pipe(map((value) => value * 2));
  }
}

class Upper implements PipeTransform<unknown> {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

class Odd extends Error {}

class OddFilter implements RpcExceptionFilter<Odd> {
  catch(error: Odd, host: ArgumentsHost): Observable<never> {
    const pattern = host.switchToRpc().getContext<EnvelopeContext>().getPattern();
    return throwError(() => ({ status: 'odd', message: error.message, pattern }));
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestService {
  private static made = 0;
  readonly number = ++RequestService.made;
  constructor(@Inject(CONTEXT) private readonly request: { context: EnvelopeContext; data: unknown }) {}
  tell(): unknown {
    return { number: this.number, asked: this.request.data };
  }
}

@Controller()
class PipelineController {
  @UseGuards(KnowsEverybody, OnlyAda)
  @MessagePattern('guarded')
  guarded(): string {
    return 'hello';
  }
  @UseInterceptors(Doubled)
  @MessagePattern('doubled')
  doubled(@Payload('value', ParseIntPipe) value: number): number {
    return value;
  }
  @UsePipes(Upper)
  @MessagePattern('upper')
  upper(@Payload() text: string): string {
    return text;
  }
  @UseFilters(OddFilter)
  @MessagePattern('odd')
  odd(): never {
    throw new Odd('how odd');
  }
}

@Controller()
class RequestController {
  constructor(private readonly service: RequestService) {}
  @MessagePattern('request')
  request(): unknown {
    return this.service.tell();
  }
  @MessagePattern('request.fails')
  fails(): never {
    throw new RpcException(`number ${this.service.number}`);
  }
}

const HYBRID = { controllers: [PipelineController, RequestController], providers: [RequestService] };

describe('the RPC pipeline behind a socket', () => {
  it('has guards, which see the client and may name its user', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    expect((await ask(client, 'guarded', { user: 'ada' })).payload).toBe('hello');
    expect(await ask(client, 'guarded', { user: 'bob' })).toMatchObject({
      ...{ kind: 'error', payload: { status: 'error', message: 'Forbidden resource' } },
    });
  });

  it('has pipes and interceptors', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    expect((await ask(client, 'doubled', { value: '21' })).payload).toBe(42);
    expect((await ask(client, 'doubled', { value: 'no number' })).kind).toBe('error');
    expect((await ask(client, 'upper', 'loud')).payload).toBe('LOUD');
  });

  it('has filters, whose errors are what the client gets', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    expect((await ask(client, 'odd')).payload).toEqual({ status: 'odd', message: 'how odd', pattern: 'odd' });
  });

  it('makes request-scoped providers for each message', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    const [first, second] = [await ask(client, 'request', 1), await ask(client, 'request', 2)];
    expect([first.payload.asked, second.payload.asked]).toEqual([1, 2]);
    expect(second.payload.number).toBe(first.payload.number + 1);
    expect((await ask(client, 'request.fails')).payload).toMatchObject({
      message: expect.stringContaining('number'),
    });
  });
});
