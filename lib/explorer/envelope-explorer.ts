import type { INestApplication } from '@nestjs/common';
import { createContract, type ContractOptions } from '../contract/index.js';
import { mountExplorer } from './mount.js';

/** Options of {@link EnvelopeExplorer.setup}: those of the contract, and whether there is a page at all. */
export interface ExplorerOptions extends ContractOptions {
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
   * it is, without the application's global prefix. The contract is made at the first request.
   *
   * @param app before `app.init()` and `app.listen()`
   * @throws Error on the path `/` or one that a URL would write otherwise, and where the application was initialised already: its routes are closed then
   */
  static setup(path: string, app: INestApplication, { enabled, ...options }: ExplorerOptions): void {
    mountExplorer(path, app, () => createContract(app, options), enabled);
  }
}
