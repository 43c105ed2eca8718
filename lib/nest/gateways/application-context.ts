import type { INestApplicationContext } from '@nestjs/common';
import { refuse } from '../../protocol/refuse.js';
import { withCode } from '../../protocol/with-code.js';

/**
 * Returns the application that an adapter is created for; `undefined` for an HTTP server, `null` or `undefined`.
 *
 * @throws TypeError if `app` is no object
 * @throws Error if the application is initialised already, because Nest would not bind its gateways to this adapter
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
        'EnvelopeAdapter was created after the application was initialised. Nest has bound its gateways to another ' +
          'adapter. Call app.useWebSocketAdapter(new EnvelopeAdapter(app)) before app.init() and app.listen()',
      ),
    );
  }
  return app as INestApplicationContext;
}
