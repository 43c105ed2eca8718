import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Role, User } from './user.js';

/** `@Roles(['admin'])` on a controller, a gateway or a handler: all of these are needed. */
export const Roles = Reflector.createDecorator<Role[]>();

/** Stands behind `JwtAuthGuard`, which says who asks. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const needed = this.reflector.getAllAndOverride(Roles, [context.getHandler(), context.getClass()]) ?? [];
    // of a WebSocket, Nest hands out the client here
    const { user } = context.switchToHttp().getRequest<{ user: User }>();
    return needed.every((role) => user.roles.includes(role));
  }
}
