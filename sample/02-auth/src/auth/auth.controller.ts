import {
  Body,
  Controller,
  Delete,
  Headers,
  HttpCode,
  Inject,
  Post,
  Req,
  Res,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { authConfig, type AuthConfig } from './auth.config.js';
import { AuthService, type Access } from './auth.service.js';
import { LoginDto, UserDto } from './login.dto.js';
import { readRefreshCookie, refreshCookie } from './refresh-cookie.js';

interface Request {
  protocol: string;
}
interface Response {
  header(name: string, value: string): unknown;
}

/**
 * Returns the access token to the page, which keeps it in memory. Sets the refresh token as a cookie that no script can
 * read.
 */
@Controller()
@UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    @Inject(authConfig.KEY) private readonly config: AuthConfig,
  ) {}

  @Post('login')
  @HttpCode(200)
  async login(
    @Body() { user, password }: LoginDto,
    @Req() { protocol }: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Access> {
    const token = await this.auth.login(user, password);
    const settings = { maxAge: this.config.refreshTtl, secure: protocol === 'https' };
    response.header('Set-Cookie', refreshCookie(user, token, settings));
    return this.auth.access(token);
  }

  @Post('refresh')
  @HttpCode(200)
  refresh(@Body() { user }: UserDto, @Headers('cookie') cookies?: string): Promise<Access> {
    return this.auth.access(readRefreshCookie(user, cookies));
  }

  /** Revokes the refresh token. Access tokens stay valid until they expire, which is soon. */
  @Delete('refresh')
  @HttpCode(204)
  logout(
    @Body() { user }: UserDto,
    @Req() { protocol }: Request,
    @Res({ passthrough: true }) response: Response,
    @Headers('cookie') cookies?: string,
  ): void {
    this.auth.logout(readRefreshCookie(user, cookies));
    response.header('Set-Cookie', refreshCookie(user, '', { maxAge: 0, secure: protocol === 'https' }));
  }
}
