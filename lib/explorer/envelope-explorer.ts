import type { INestApplication } from '@nestjs/common';
import { createContract, type ContractOptions } from '../contract/index.js';
import { checkContractOptions } from '../contract/create-contract.js';
import { isRecordLike, refuse, refuseOption } from '../protocol/refuse.js';
import { mountExplorer } from './explorer-mount.js';

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
   * @param options title and version are by default those of the application's package.json
   * @throws TypeError where a parameter is missing or an option is unknown, Error on the path `/` or one that a URL would write otherwise, and where the application was initialised already: its routes are closed then
   */
  static setup(path: string, app: INestApplication, options: ExplorerOptions = {}): void {
    const where = 'EnvelopeExplorer.setup';
    if (typeof path !== 'string') refuse(where, 'path', path, "a text: setup('ws-docs', app)");
    if (!isRecordLike(options)) refuse(where, 'options', options, "an object, such as { title: 'Chat' }");
    const { enabled, ...rest } = options;
    if (enabled !== undefined && typeof enabled !== 'boolean')
      refuseOption(where, 'enabled', enabled, 'true or false');
    checkContractOptions(where, app, rest);
    mountExplorer(path, app, () => createContract(app, rest), enabled);
  }
}
