import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { authConfig, type AuthConfig } from './auth.config.js';
import { RefreshTokensService } from './refresh-tokens.service.js';
import { UsersService } from './users.service.js';

export interface Access {
  accessToken: string;
  /** Seconds */
  expiresIn: number;
}

@Injectable()
export class AuthService {
  constructor(
    private readonly users: UsersService,
    private readonly refreshTokens: RefreshTokensService,
    private readonly jwt: JwtService,
    @Inject(authConfig.KEY) private readonly config: AuthConfig,
  ) {}

  /** @returns a refresh token */
  async login(name: string, password: string): Promise<string> {
    if (!(await this.users.isPasswordOf(name, password)))
      throw new UnauthorizedException('Wrong name or password');
    return this.refreshTokens.issue(name);
  }

  /** Issues a short-lived access token with the user's current roles. */
  async access(refreshToken: string): Promise<Access> {
    const sub = this.refreshTokens.ownerOf(refreshToken);
    const roles = sub === undefined ? undefined : this.users.rolesOf(sub);
    if (roles === undefined) throw new UnauthorizedException('Sign in again');
    return { accessToken: await this.jwt.signAsync({ sub, roles }), expiresIn: this.config.accessTtl };
  }

  logout(refreshToken: string): void {
    this.refreshTokens.revoke(refreshToken);
  }
}
