import { Logger, type INestApplication } from '@nestjs/common';
import type { Contract } from '../contract/index.js';
import { serve } from './routes.js';
import { withCode } from '../protocol/with-code.js';

/**
 * Serves the explorer on a path, or says why not.
 *
 * @param makeContract asked once, at the first request: gateways and schemas are complete by then
 * @param enabled `undefined`: everywhere but in production
 * @throws Error on the path `/` or one that a URL would write otherwise, and where the application was initialised already
 */
export function mountExplorer(
  path: string,
  app: INestApplication,
  makeContract: () => Promise<Contract>,
  enabled: boolean | undefined,
): void {
  const logger = new Logger('EnvelopeExplorer');
  const base = `/${path.replace(/^\/+|\/+$/g, '')}`;
  const isProduction = process.env.NODE_ENV === 'production';
  if (enabled === undefined && isProduction) {
    logger.log(`${base} is not served: NODE_ENV is production. Set enabled: true to serve it there, too`);
    return;
  }
  if (enabled === false) return;
  if (!/^(?:\/[\w.~-]+)+$/.test(base))
    throw withCode(
      'ERR_ENVELOPE_INVALID_ARGUMENT',
      new Error(
        `EnvelopeExplorer.setup needs a path of its own, such as 'ws-docs', of letters, digits and ._~-/ and not '${path}'`,
      ),
    );
  if (Reflect.get(app, 'isInitialized') === true) {
    throw withCode(
      'ERR_ENVELOPE_ALREADY_INITIALISED',
      new Error(
        'EnvelopeExplorer.setup came after the application was initialised, when its routes were closed already: ' +
          'call it before app.init() and app.listen()',
      ),
    );
  }
  serve(base, app, makeContract, !isProduction);
  logger.log(`Serves the gateways' contract on ${base}`);
}
