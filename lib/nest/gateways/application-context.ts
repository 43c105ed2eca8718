import type { INestApplicationContext } from '@nestjs/common';
import { refuse } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';

/**
 * The application that the adapter is made for; `undefined` for an HTTP server or nothing.
 *
 * @throws Error where the application was initialised already: Nest would bind nothing to this adapter
 */
export function toContext(
  app: INestApplicationContext | object | null | undefined,
): INestApplicationContext | undefined {
  if (app === undefined || app === null) return undefined;
  if (typeof app !== 'object' && typeof app !== 'function')
    refuse('EnvelopeAdapter', 'app', app, 'a Nest application: new EnvelopeAdapter(app)');
  if (!('get' in app) || !('select' in app)) return undefined;
  if (Reflect.get(app, 'isInitialized') === true) {
    throw withCode(
      'ERR_ENVELOPE_ALREADY_INITIALISED',
      new Error(
        'EnvelopeAdapter was made after the application was initialised, when its gateways were bound to another ' +
          'adapter already: call app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.init() and app.listen()',
      ),
    );
  }
  return app as INestApplicationContext;
}
