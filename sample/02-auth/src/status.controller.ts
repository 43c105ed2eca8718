import { Controller, Get, Header, Req, UseGuards } from '@nestjs/common';
import type { User } from './auth/user.js';
import { JwtAuthGuard } from './auth/jwt-auth.guard.js';
import { Roles, RolesGuard } from './auth/roles.guard.js';

/**
 * Answers plain HTTP requests to the gateways' URLs with the same guards, and so with the same status. A browser hides
 * from its page the status with which a WebSocket was refused; here the page can ask for it.
 */
@Controller()
@UseGuards(JwtAuthGuard, RolesGuard)
export class StatusController {
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
