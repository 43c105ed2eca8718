import { Injectable, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { UserSocket } from './user.js';

/**
 * Runs for HTTP requests and for WebSockets: at the upgrade, for each message, and when a client renews its token with
 * `$auth`.
 */
@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {
  /** Sets `client.expiresAt`, so that the connection closes when its token expires. */
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    await super.canActivate(context);
    if (context.getType() === 'ws') {
      const client = context.switchToWs().getClient<UserSocket>();
      client.expiresAt = client.user.exp * 1_000;
    }
    return true;
  }

  /** Refuses with the reason, such as "No auth token", "jwt expired" or "invalid signature". */
  override handleRequest<User>(error: unknown, user: User | false, info?: Error): User {
    if (!user) throw error ?? new UnauthorizedException(info?.message);
    return user;
  }
}
