import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { EnvelopeSocket } from 'nestjs-envelope';
import { Security } from 'nestjs-envelope/contract';

const BIDDERS: ReadonlySet<unknown> = new Set(['ada', 'bob', 'eve']);

/** The tokens of this sample are names. 02-auth has real tokens. */
@Security('bearer', { type: 'http', scheme: 'bearer' })
@Injectable()
export class BearerGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { token } = client.handshake.auth;
    if (!BIDDERS.has(token))
      throw new UnauthorizedException('The tokens of this sample are ada, bob and eve');
    client.user = token;
    return true;
  }
}
