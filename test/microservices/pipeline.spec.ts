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

class AdaGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const rpc = context.switchToRpc();
    return context.getType() === 'rpc' && rpc.getContext<EnvelopeContext>().getUser() === 'ada';
  }
}

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToRpc().getContext<EnvelopeContext>().getSocketRef();
    client.user = context.switchToRpc().getData<{ user: string }>().user;
    return true;
  }
}

class DoublingInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler<number>): Observable<number> {
    return next.handle().pipe(map((value) => value * 2));
  }
}

class UpperCasePipe implements PipeTransform<unknown> {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

class CustomError extends Error {}

class CustomErrorFilter implements RpcExceptionFilter<CustomError> {
  catch(error: CustomError, host: ArgumentsHost): Observable<never> {
    const pattern = host.switchToRpc().getContext<EnvelopeContext>().getPattern();
    return throwError(() => ({ status: 'custom', message: error.message, pattern }));
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestService {
  private static created = 0;
  readonly number = ++RequestService.created;
  constructor(@Inject(CONTEXT) private readonly request: { context: EnvelopeContext; data: unknown }) {}
  describe(): unknown {
    return { number: this.number, asked: this.request.data };
  }
}

@Controller()
class PipelineController {
  @UseGuards(UserGuard, AdaGuard)
  @MessagePattern('guarded')
  guarded(): string {
    return 'hello';
  }
  @UseInterceptors(DoublingInterceptor)
  @MessagePattern('doubled')
  doubled(@Payload('value', ParseIntPipe) value: number): number {
    return value;
  }
  @UsePipes(UpperCasePipe)
  @MessagePattern('upper')
  upper(@Payload() text: string): string {
    return text;
  }
  @UseFilters(CustomErrorFilter)
  @MessagePattern('custom')
  custom(): never {
    throw new CustomError('a custom error');
  }
}

@Controller()
class RequestController {
  constructor(private readonly service: RequestService) {}
  @MessagePattern('request')
  request(): unknown {
    return this.service.describe();
  }
  @MessagePattern('request.fails')
  fails(): never {
    throw new RpcException(`number ${this.service.number}`);
  }
}

const HYBRID = { controllers: [PipelineController, RequestController], providers: [RequestService] };

describe('the RPC pipeline on a WebSocket', () => {
  it('runs guards, which can read the client and set its user', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    expect((await ask(client, 'guarded', { user: 'ada' })).payload).toBe('hello');
    expect(await ask(client, 'guarded', { user: 'bob' })).toMatchObject({
      ...{ kind: 'error', payload: { status: 'error', message: 'Forbidden resource' } },
    });
  });

  it('runs pipes and interceptors', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    expect((await ask(client, 'doubled', { value: '21' })).payload).toBe(42);
    expect((await ask(client, 'doubled', { value: 'no number' })).kind).toBe('error');
    expect((await ask(client, 'upper', 'loud')).payload).toBe('LOUD');
  });

  it('runs filters, whose errors are sent to the client', async () => {
    const app = await startHybrid(HYBRID);
    const client = await app.connect('/');
    expect((await ask(client, 'custom')).payload).toEqual({
      status: 'custom',
      message: 'a custom error',
      pattern: 'custom',
    });
  });

  it('creates request-scoped providers for each message', async () => {
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
