import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';

type RequestResponse = ReturnType<ThrottlerGuard['getRequestResponse']>;

/** Where headers have nowhere to go. */
const NO_RESPONSE = { header: (): void => undefined };

/**
 * `ThrottlerGuard` for gateways and HTTP routes alike. It counts upgrades and messages by the client's address,
 * `client.ip`, each handler for itself; an upgrade too many gets 429 with `Retry-After`, a message too many the
 * exception `{ statusCode: 429 }`.
 *
 * As it is, `ThrottlerGuard` takes a message's payload for the response to set headers on.
 */
@Injectable()
export class EnvelopeThrottlerGuard extends ThrottlerGuard {
  protected override getRequestResponse(context: ExecutionContext): RequestResponse {
    if (context.getType() !== 'ws') return super.getRequestResponse(context);
    const ws = context.switchToWs();
    const isUpgrade = ws.getPattern() === '$upgrade';
    return { req: ws.getClient(), res: isUpgrade ? context.switchToHttp().getResponse() : NO_RESPONSE };
  }
}
