import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { EnvelopeSocket } from 'nestjs-envelope';
import { Security } from 'nestjs-envelope/contract';
import { PEOPLE } from './people.js';

/** Takes the name of a person for a token. It runs before the connection is open. */
@Security('bearer', { type: 'http', scheme: 'bearer' })
@Injectable()
export class PersonGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    const { token } = client.handshake.auth;
    if (!PEOPLE.has(token))
      throw new UnauthorizedException(`The tokens of this sample are ${[...PEOPLE].join(', ')}`);
    client.user = token;
    return true;
  }
}
