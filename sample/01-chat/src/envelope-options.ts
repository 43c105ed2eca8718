import type { ConfigService } from '@nestjs/config';
import type { EnvelopeOptions } from 'nestjs-envelope';

/** The adapter's options, out of the environment or a `.env` file; `.env.example` has them all. */
export function envelopeOptions(config: ConfigService): EnvelopeOptions {
  const number = (name: string, otherwise: number): number => {
    const value = Number(config.get<string>(name, String(otherwise)));
    if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is not a whole number`);
    return value;
  };
  const port = number('WS_PORT', 0);
  const origins = config.get<string>('WS_CORS_ORIGIN');
  return {
    // 0 is the port of the page: one HTTP server for both
    port: port === number('PORT', 3005) ? 0 : port,
    path: config.get('WS_PATH', '/ws'),
    cors: { origin: origins === undefined ? false : origins.split(',').map((origin) => origin.trim()) },
    pingInterval: number('WS_PING_INTERVAL', 25_000),
    pingTimeout: number('WS_PING_TIMEOUT', 20_000),
  };
}
