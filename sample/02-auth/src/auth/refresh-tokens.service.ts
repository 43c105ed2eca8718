import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { authConfig, type AuthConfig } from './auth.config.js';

/**
 * Refresh tokens: random, kept as hashes, and gone when their user signs out. In memory, in place of a table of yours.
 * One is good for many renewals: all tabs of a browser share it.
 */
@Injectable()
export class RefreshTokensService {
  private readonly kept = new Map<string, { name: string; until: number }>();

  constructor(@Inject(authConfig.KEY) private readonly config: AuthConfig) {}

  issue(name: string): string {
    for (const [hash, { until }] of this.kept) if (until <= Date.now()) this.kept.delete(hash);
    const token = randomBytes(32).toString('base64url');
    this.kept.set(digest(token), { name, until: Date.now() + this.config.refreshTtl * 1_000 });
    return token;
  }

  /** Whose it is, as long as it is good. */
  ownerOf(token: string): string | undefined {
    const found = this.kept.get(digest(token));
    return found !== undefined && found.until > Date.now() ? found.name : undefined;
  }

  revoke(token: string): void {
    this.kept.delete(digest(token));
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
