import { Logger, type INestApplication } from '@nestjs/common';
import type { Contract } from '../contract/index.js';
import type { ResolvedAdmin } from './admin/admin-options.js';
import { mountConsole } from './admin/mount-console.js';
import { serveConsolePage } from './console-routes.js';
import { serve } from './routes.js';
import { withCode } from '../protocol/with-code.js';

/**
 * Serves the explorer on a path, and the console below it. In production without `enabled` it serves the console only.
 *
 * @param makeContract called once, at the first request, when gateways and schemas are complete
 * @param enabled `undefined`: the contract is served unless `NODE_ENV` is `production`
 * @param admin the console; `undefined`: none
 * @throws Error if the path is `/` or contains characters that a URL escapes, or if the application is already initialised
 */
export function mountExplorer(
  path: string,
  app: INestApplication,
  makeContract: () => Promise<Contract>,
  enabled: boolean | undefined,
  admin?: ResolvedAdmin,
): void {
  const logger = new Logger('EnvelopeExplorer');
  const base = `/${path.replace(/^\/+|\/+$/g, '')}`;
  const isProduction = process.env.NODE_ENV === 'production';
  const hasContract = enabled ?? !isProduction;
  if (enabled === undefined && isProduction)
    logger.log(`${base} is not served: NODE_ENV is production. Set enabled: true to serve it there, too`);
  if (enabled === false || (!hasContract && admin === undefined)) return;
  if (!/^(?:\/[\w.~-]+)+$/.test(base))
    throw withCode(
      'ERR_ENVELOPE_INVALID_ARGUMENT',
      new Error(
        `EnvelopeExplorer.setup: path is '${path}': it takes a path such as 'ws-docs', of letters, digits and ._~-/, other than '/'`,
      ),
    );
  if (Reflect.get(app, 'isInitialized') === true) {
    throw withCode(
      'ERR_ENVELOPE_ALREADY_INITIALISED',
      new Error(
        'EnvelopeExplorer.setup: the application is already initialised, and accepts no more routes. ' +
          'Call it before app.init() and app.listen()',
      ),
    );
  }
  if (hasContract) {
    serve(base, app, makeContract, !isProduction, admin !== undefined);
    logger.log(`Serves the gateways' contract on ${base}`);
  }
  if (admin === undefined) return;
  serveConsolePage(base, app, hasContract);
  mountConsole(base, app, admin);
}
