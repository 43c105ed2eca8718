import { randomBytes } from 'node:crypto';
import { registerAs, type ConfigType } from '@nestjs/config';

export const authConfig = registerAs('auth', () => ({
  secret: process.env.JWT_SECRET || randomBytes(32).toString('base64url'),
  accessTtl: seconds('ACCESS_TOKEN_TTL', 60),
  refreshTtl: seconds('REFRESH_TOKEN_TTL', 12 * 60 * 60),
}));

export type AuthConfig = ConfigType<typeof authConfig>;

function seconds(name: string, defaultValue: number): number {
  const value = Number(process.env[name] ?? defaultValue);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is not a whole number of seconds`);
  return value;
}
