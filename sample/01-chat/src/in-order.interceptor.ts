import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';

/**
 * Handles the messages of one client one after the other. Nest starts each message when it arrives, and the validation
 * of a long message may take longer than that of a short one behind it. The history must keep the order of sending.
 */
@Injectable()
export class InOrderInterceptor implements NestInterceptor {
  private readonly last = new WeakMap<object, Promise<unknown>>();

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const client = context.switchToWs().getClient<object>();
    const before = this.last.get(client) ?? Promise.resolve();
    const result = before.then(() => lastValueFrom(next.handle(), { defaultValue: undefined }));
    this.last.set(
      client,
      result.catch(() => undefined),
    );
    return from(result);
  }
}
