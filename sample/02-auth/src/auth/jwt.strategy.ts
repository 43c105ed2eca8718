import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { authConfig, type AuthConfig } from './auth.config.js';
import type { User } from './user.js';

/**
 * Reads the header `Authorization`. The adapter sets it for WebSockets, too, whichever way the client sent its token.
 */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor(@Inject(authConfig.KEY) { secret }: AuthConfig) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: secret,
      algorithms: ['HS256'],
    });
  }

  validate({ sub, roles, exp }: User): User {
    return { sub, roles, exp };
  }
}
