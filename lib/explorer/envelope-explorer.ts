import type { INestApplication } from '@nestjs/common';
import type { MakeContract } from './contract.js';
import { mountExplorer } from './mount.js';

/** Options of {@link EnvelopeExplorer.setup}. */
export interface ExplorerOptions {
  // SEAM: to become the options of createContract(), once lib/contract is there
  contract: MakeContract;
  /**
   * Whether the page is served. Where it is not said, everywhere but with `NODE_ENV=production`: the contract tells
   * strangers what an application takes.
   */
  enabled?: boolean;
}

/** A page on which to read an application's gateways, talk to them, and see every frame. */
export class EnvelopeExplorer {
  /**
   * Serves the page on `/path`, its contract on `/path/asyncapi.json` and `/path/asyncapi.yaml`. The path is taken as
   * it is, without the application's global prefix.
   *
   * @param app before `app.init()` and `app.listen()`
   * @throws Error on the path `/`, and where the application was initialised already: its routes are closed then
   */
  static setup(path: string, app: INestApplication, { enabled, contract }: ExplorerOptions): void {
    mountExplorer(path, app, contract, enabled);
  }
}
