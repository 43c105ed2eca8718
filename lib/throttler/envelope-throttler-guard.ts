import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';

type RequestResponse = ReturnType<ThrottlerGuard['getRequestResponse']>;

/** Discards headers: a message has no HTTP response. */
const NO_RESPONSE = { header: (): void => undefined };

/**
 * A `ThrottlerGuard` for gateways and HTTP routes. It counts upgrades and messages by the client's address, `client.ip`,
 * separately for each handler. An upgrade over the limit is refused with 429 and `Retry-After`; a message over the limit is
 * answered with the exception `{ statusCode: 429 }`.
 *
 * `ThrottlerGuard` itself fails on messages: it sets headers on the payload, which it mistakes for the response.
 *
 * @example
 * ```ts
 * @Module({ providers: [{ provide: APP_GUARD, useClass: EnvelopeThrottlerGuard }] })
 * export class AppModule {}
 * ```
 */
@Injectable()
export class EnvelopeThrottlerGuard extends ThrottlerGuard {
  /** Returns the client of a message in place of a request, with an object in place of a response. */
  protected override getRequestResponse(context: ExecutionContext): RequestResponse {
    if (context.getType() !== 'ws') return super.getRequestResponse(context);
    const ws = context.switchToWs();
    const isUpgrade = ws.getPattern() === '$upgrade';
    return { req: ws.getClient(), res: isUpgrade ? context.switchToHttp().getResponse() : NO_RESPONSE };
  }
}
