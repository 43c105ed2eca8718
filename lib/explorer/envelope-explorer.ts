import { Logger, type INestApplication } from '@nestjs/common';
import type { ExplorableContract } from './content-security-policy.js';
import { serve } from './routes.js';

/** Options of {@link EnvelopeExplorer.setup}. */
export interface ExplorerOptions {
  /** Makes the AsyncAPI document, once, at the first request. */
  contract: () => ExplorableContract;
  /**
   * Whether the page is served. Where it is not said, everywhere but with `NODE_ENV=production`: the contract tells
   * strangers what an application takes.
   */
  enabled?: boolean;
}

/** A page on which to read an application's gateways, talk to them, and see every frame. */
export class EnvelopeExplorer {
  private static readonly logger = new Logger(EnvelopeExplorer.name);

  /**
   * Serves the page on `/path`, its contract on `/path/asyncapi.json` and `/path/asyncapi.yaml`. The path is taken as
   * it is, without the application's global prefix.
   *
   * @param app before `app.init()` and `app.listen()`
   * @throws Error where the application was initialised already: its routes are closed then
   */
  static setup(path: string, app: INestApplication, { contract, enabled }: ExplorerOptions): void {
    const base = `/${path.replace(/^\/+|\/+$/g, '')}`;
    const isProduction = process.env.NODE_ENV === 'production';
    if (enabled === undefined && isProduction) {
      this.logger.log(
        `${base} is not served: NODE_ENV is production. Set enabled: true to serve it there, too`,
      );
      return;
    }
    if (enabled === false) return;
    if (base === '/') throw new Error("EnvelopeExplorer.setup needs a path of its own, such as 'ws-docs'");
    if (Reflect.get(app, 'isInitialized') === true) {
      throw new Error(
        'EnvelopeExplorer.setup came after the application was initialised, when its routes were closed already: ' +
          'call it before app.init() and app.listen()',
      );
    }
    serve(base, app, contract, !isProduction);
    this.logger.log(`Serves the gateways' contract on ${base}`);
  }
}
