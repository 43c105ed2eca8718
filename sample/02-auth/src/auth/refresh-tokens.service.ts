import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { authConfig, type AuthConfig } from './auth.config.js';

/**
 * Keeps refresh tokens: random, stored as hashes, and revoked when their user signs out. In memory here; an application
 * uses a table of its database. One token serves many renewals, because all tabs of a browser share it.
 */
@Injectable()
export class RefreshTokensService {
  private readonly tokens = new Map<string, { name: string; until: number }>();

  constructor(@Inject(authConfig.KEY) private readonly config: AuthConfig) {}

  issue(name: string): string {
    for (const [hash, { until }] of this.tokens) if (until <= Date.now()) this.tokens.delete(hash);
    const token = randomBytes(32).toString('base64url');
    this.tokens.set(digest(token), { name, until: Date.now() + this.config.refreshTtl * 1_000 });
    return token;
  }

  /** Returns the owner's name, or `undefined` when the token is unknown, revoked or expired. */
  ownerOf(token: string): string | undefined {
    const found = this.tokens.get(digest(token));
    return found !== undefined && found.until > Date.now() ? found.name : undefined;
  }

  revoke(token: string): void {
    this.tokens.delete(digest(token));
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
