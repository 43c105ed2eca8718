import type { ConfigService } from '@nestjs/config';
import type { EnvelopeOptions } from 'nestjs-envelope';
import { socketIO } from 'nestjs-envelope/socket.io';

/** Returns the adapter's options from the environment or a `.env` file. `.env.example` lists all variables. */
export function envelopeOptions(config: ConfigService): EnvelopeOptions {
  const number = (name: string, defaultValue: number): number => {
    const value = Number(config.get<string>(name, String(defaultValue)));
    if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is not a whole number`);
    return value;
  };
  const port = number('WS_PORT', 0);
  const origins = config.get<string>('WS_CORS_ORIGIN', '');
  return {
    // 0: the gateway shares the HTTP server of the page
    port: port === number('PORT', 3005) ? 0 : port,
    path: config.get('WS_PATH', '/ws'),
    // clients of Socket.IO, beside plain WebSockets
    transports: [socketIO()],
    cors: { origin: origins === '' ? false : origins.split(',').map((origin) => origin.trim()) },
    pingInterval: number('WS_PING_INTERVAL', 25_000),
    pingTimeout: number('WS_PING_TIMEOUT', 20_000),
  };
}
