import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExtractJwt, Strategy, type JwtFromRequestFunction } from 'passport-jwt';

const SECRET = 'the secret of these tests, which is long enough';

export interface Claims {
  sub: string;
  exp: number;
}

/** All extractors of passport-jwt for HTTP requests, and one for a cookie. */
const extractors: JwtFromRequestFunction[] = [
  ExtractJwt.fromAuthHeaderAsBearerToken(),
  ExtractJwt.fromHeader('x-token'),
  ExtractJwt.fromUrlQueryParameter('access_token'),
  ExtractJwt.fromBodyField('token'),
  (request) => (request as unknown as { cookies: Record<string, string> }).cookies['jwt'] ?? null,
];

/** The strategy of Nest's documentation. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromExtractors(extractors), secretOrKey: SECRET });
  }
  validate({ sub, exp }: Claims): Claims {
    return { sub, exp };
  }
}

/** The imports and providers of an application with `AuthGuard('jwt')`. */
export const withJwt: Required<Pick<ModuleMetadata, 'imports' | 'providers'>> = {
  imports: [PassportModule, JwtModule.register({ secret: SECRET, signOptions: { expiresIn: '1h' } })],
  providers: [JwtStrategy],
};

const service = new JwtService({ secret: SECRET });

/** Create tokens of each kind. */
export const tokens = {
  valid: (sub = 'ada', expiresIn = 3_600): string => service.sign({ sub }, { expiresIn }),
  expired: (sub = 'ada'): string => service.sign({ sub }, { expiresIn: -10 }),
  forged: (sub = 'ada'): string => service.sign({ sub }, { secret: 'another secret', expiresIn: 3_600 }),
  /** Without a signature. */
  unsigned: (sub = 'ada'): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none', typ: 'JWT' })}.${part({ sub, exp: 4e9 })}.`;
  },
};

/** The ways to send a token with an upgrade request. */
export const carriers: Record<
  string,
  (token: string) => { target?: string; protocols?: string[]; headers?: Record<string, string> }
> = {
  'the Authorization header': (token) => ({ headers: { Authorization: `Bearer ${token}` } }),
  'the subprotocols bearer, <token>': (token) => ({ protocols: ['bearer', token] }),
  'bearer, <token> after envelope.v1': (token) => ({ protocols: ['envelope.v1', 'bearer', token] }),
  'envelope.auth.<base64url>': (token) => ({
    protocols: [
      'envelope.v1',
      `envelope.auth.${Buffer.from(JSON.stringify({ token })).toString('base64url')}`,
    ],
  }),
  '?token=': (token) => ({ target: `?token=${token}` }),
  'another query parameter': (token) => ({ target: `?access_token=${token}` }),
  'another header': (token) => ({ headers: { 'X-Token': token } }),
  'a cookie': (token) => ({ headers: { Cookie: `a=b; jwt=${token}; c="d"` } }),
};

/** Returns the target and the headers of a request, for a raw TCP client. */
export function asRequest(
  path: string,
  carrier: string,
  token: string,
): [target: string, headers: Record<string, string>] {
  const { target = '', protocols = [], headers = {} } = carriers[carrier]!(token);
  const offered = protocols.length > 0 && { 'Sec-WebSocket-Protocol': protocols.join(', ') };
  return [`${path}${target}`, { ...headers, ...offered }];
}
