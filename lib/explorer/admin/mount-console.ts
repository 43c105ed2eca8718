import { Logger, type INestApplication } from '@nestjs/common';
import type { Server } from 'node:http';
import { findAdapter } from '../../nest/gateways/find-adapter.js';
import { hasCredentials } from '../../server/handshake/handshake.js';
import { observe } from '../../server/diagnostics/channels.js';
import { AdminConsole } from './admin-console.js';
import { AdminGuards } from './admin-guards.js';
import type { ResolvedAdmin } from './admin-options.js';

/**
 * The limits of the console's path: an admin is a client, too. Those that an operator changes for all paths must not silence the page
 * that shows what they do.
 */
const LIMITS = {
  maxPayload: 32_000,
  maxBufferedBytes: 4_000_000,
  maxEventNameLength: 256,
  messagesPerSecond: 50,
  messageBurst: 200,
  maxInFlight: 16,
  maxJsonDepth: 32,
} as const;

/**
 * Serves the namespace of the live console on `base/console/live`, once the application listens. The application may set its
 * adapter before or after this call.
 */
export function mountConsole(base: string, app: INestApplication, options: ResolvedAdmin): void {
  const logger = new Logger('EnvelopeExplorer');
  (app.getHttpServer() as Server).once('listening', () => {
    try {
      startConsole(`${base}/console/live`, app, options, logger);
    } catch (error) {
      logger.error(`The console is not served: ${(error as Error).message}`);
    }
  });
}

function startConsole(path: string, app: INestApplication, options: ResolvedAdmin, logger: Logger): void {
  const adapter = findAdapter(app);
  if (adapter === undefined)
    return logger.error(
      'The console is not served: the application does not use EnvelopeAdapter. Call ' +
        'app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.listen()',
    );
  const report = (error: unknown): void => logger.error(error);
  const guards = new AdminGuards(app, options.guards, report);
  const server = adapter._mountOwn(path, { limits: LIMITS }, async (client) => {
    const refused = await guards.atUpgrade(client);
    // the page connects without a token first: that is no attempt to sign in
    if (refused !== undefined && hasCredentials(client.handshake.auth))
      server._warn('refused sign-ins', `a guard refused a sign-in from ${client.ip} with ${refused.status}`);
    return refused;
  });
  const console = new AdminConsole(server, adapter, options, guards, report);
  const stopWatching = observe('unmount', ({ server: unmounted }) => {
    if (unmounted !== server) return;
    stopWatching();
    console.stop();
  });
  const mode = options.readOnly ? ', read-only' : '';
  logger.log(`Serves the console on ${path}, with the guards ${guards.names}${mode}`);
  void guards.load().catch(report);
}
