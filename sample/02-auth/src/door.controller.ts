import { Controller, Get, Header, Req, UseGuards } from '@nestjs/common';
import type { User } from './auth/user.js';
import { JwtAuthGuard } from './auth/jwt-auth.guard.js';
import { Roles, RolesGuard } from './auth/roles.guard.js';

/**
 * A browser hides from its page with what status a WebSocket was refused. Here the page may ask: the same URL over
 * plain HTTP, the same guards, and so the same answer.
 */
@Controller()
@UseGuards(JwtAuthGuard, RolesGuard)
export class DoorController {
  @Get('ws')
  @Header('Cache-Control', 'no-store')
  messages(@Req() { user }: { user: User }): User {
    return user;
  }

  @Get('admin')
  @Header('Cache-Control', 'no-store')
  @Roles(['admin'])
  admin(@Req() { user }: { user: User }): User {
    return user;
  }
}
