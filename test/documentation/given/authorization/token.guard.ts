import { Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { EnvelopeSocket } from 'nestjs-envelope';

const USERS = new Map<unknown, object>([
  ['ada', { id: 1, roles: [] }],
  ['bob', { id: 2, roles: ['editor'] }],
]);

@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const client = context.switchToWs().getClient<EnvelopeSocket>();
    client.user = USERS.get(client.handshake.auth.token);
    if (client.user === undefined) throw new UnauthorizedException();
    return true;
  }
}
