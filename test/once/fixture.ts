import {
  BadRequestException,
  Catch,
  HttpException,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { map, type Observable } from 'rxjs';
import { EnvelopeSocket, Ordered, Signal } from '../../lib/index.js';
import { MessageKey, Once } from '../../lib/once/index.js';
import { deferred } from '../support/wait.js';

/** What the client names as its user in the query. */
class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { user, nameless } = client.handshake.query;
    if (user !== undefined) client.user = { id: user };
    if (nameless !== undefined) client.user = { colour: 'red' };
    return true;
  }
}

class Doubled implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => [value, value]));
  }
}

class OutOfStock extends Error {}

@Catch(OutOfStock)
class OutOfStockFilter implements ExceptionFilter {
  catch(_: unknown, host: ArgumentsHost): void {
    host.switchToWs().getClient<EnvelopeSocket>().emit('exception', { status: 'error', message: 'sold out' });
  }
}

/** The handlers of these tests. One instance may serve several nodes. */
@UseGuards(UserGuard)
@WebSocketGateway({ path: '/ws' })
export class OnceGateway {
  /** How often each event was handled. */
  readonly calls: string[] = [];
  readonly keys: unknown[] = [];
  private readonly gates: ReturnType<typeof deferred<void>>[] = [];
  signal: AbortSignal | undefined;

  count(event: string): number {
    return this.calls.filter((call) => call === event).length;
  }
  /** Lets the handlers of `slow` end. */
  open(): void {
    for (const gate of this.gates.splice(0)) gate.resolve();
  }

  @Once()
  @SubscribeMessage('message')
  message(@MessageBody() text: string, @MessageKey() key: string | undefined): object {
    this.calls.push('message');
    this.keys.push(key);
    return { text, n: this.calls.length };
  }
  @SubscribeMessage('plain')
  plain(@MessageKey() key: string | undefined): unknown {
    this.calls.push('plain');
    return key ?? null;
  }
  @Once()
  @SubscribeMessage('slow')
  async slow(@Signal() signal: AbortSignal): Promise<string> {
    this.calls.push('slow');
    this.signal = signal;
    const gate = deferred();
    this.gates.push(gate);
    await gate.promise;
    return `slow ${this.count('slow')}`;
  }
  @Once()
  @Ordered()
  @SubscribeMessage('ordered')
  ordered(@MessageBody() text: string): string {
    this.calls.push(`ordered ${text}`);
    return text;
  }
  @Once()
  @SubscribeMessage('nothing')
  nothing(): void {
    this.calls.push('nothing');
  }
  @Once()
  @SubscribeMessage('named')
  named(): object {
    this.calls.push('named');
    return { event: 'other', data: 7 };
  }
  @Once()
  @UseInterceptors(Doubled)
  @SubscribeMessage('intercepted')
  async intercepted(): Promise<number> {
    this.calls.push('intercepted');
    const gate = deferred();
    this.gates.push(gate);
    await gate.promise;
    return this.count('intercepted');
  }
  @Once()
  @SubscribeMessage('large')
  large(): string {
    this.calls.push('large');
    return 'x'.repeat(70_000);
  }
  @Once({ ttl: 50 })
  @SubscribeMessage('brief')
  brief(): number {
    this.calls.push('brief');
    return this.count('brief');
  }
  @Once({ onStoreFailure: 'refuse' })
  @SubscribeMessage('pay')
  pay(): number {
    this.calls.push('pay');
    return this.count('pay');
  }
  @Once()
  @UseFilters(OutOfStockFilter)
  @SubscribeMessage('fail')
  fail(@MessageBody() kind: string, @ConnectedSocket() _client: EnvelopeSocket): never {
    this.calls.push(`fail ${kind}`);
    if (kind === 'ws') throw new WsException(`no ${this.calls.length}`);
    if (kind === '400') throw new BadRequestException(`no ${this.calls.length}`);
    if (kind === 'filtered') throw new OutOfStock();
    if (kind === '429') throw new HttpException('slower', 429);
    if (kind === '503') throw new HttpException('later', 503);
    throw new Error('unknown');
  }
}

let keys = 0;
/** Returns a key that no other test uses. */
export const newKey = (): string => `key-${String(++keys).padStart(18, '0')}`;
