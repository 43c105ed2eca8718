import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Role, User } from './user.js';

/** `@Roles(['admin'])` on a controller, a gateway or a handler. The user needs all of the roles. */
export const Roles = Reflector.createDecorator<Role[]>();

/** Checks the roles. Needs `JwtAuthGuard` before it, which sets the user. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const needed = this.reflector.getAllAndOverride(Roles, [context.getHandler(), context.getClass()]) ?? [];
    // for a WebSocket, Nest returns the client here
    const { user } = context.switchToHttp().getRequest<{ user: User }>();
    return needed.every((role) => user.roles.includes(role));
  }
}
