import type { INestApplication } from '@nestjs/common';
import { createContract, type ContractOptions } from '../contract/index.js';
import { checkContractOptions } from '../contract/create-contract.js';
import { isRecordLike, refuse, refuseOption } from '../protocol/refuse.js';
import { resolveAdmin, type AdminOptions } from './admin/admin-options.js';
import { mountExplorer } from './explorer-mount.js';

/** Options of {@link EnvelopeExplorer.setup}: those of the contract, and `enabled` and `admin`. */
export interface ExplorerOptions extends ContractOptions {
  /**
   * Whether the page is served. Default: `false` if `NODE_ENV` is `production`, because the contract shows everyone which messages the
   * application accepts; otherwise `true`.
   */
  enabled?: boolean;
  /**
   * The live console on `/path/console`: connections, rooms, rates and actions, for whom its guards let pass. It is also served in
   * production, unless `enabled` is `false`. Default: none.
   */
  admin?: AdminOptions;
}

/**
 * Serves a page that describes an application's gateways, sends messages to them, and shows every frame.
 *
 * @example
 * EnvelopeExplorer.setup('ws-docs', app); // before app.listen()
 */
export class EnvelopeExplorer {
  /**
   * Serves the page on `/path`, and the contract on `/path/asyncapi.json` and `/path/asyncapi.yaml`. The application's global prefix
   * does not apply. The contract is created at the first request. Call it before `app.init()` and `app.listen()`.
   * With the option `admin`, it also serves the live console on `/path/console`.
   *
   * @example
   * const app = await NestFactory.create(AppModule);
   * EnvelopeExplorer.setup('ws-docs', app, { title: 'Chat' });
   * await app.listen(3000);
   *
   * @param options default title and version: those of the application's package.json
   * @throws TypeError if a parameter is missing or an option is unknown; Error if the path is `/` or contains characters that a URL
   * escapes, or if the application is already initialised, because its routes are closed then
   */
  static setup(path: string, app: INestApplication, options: ExplorerOptions = {}): void {
    const where = 'EnvelopeExplorer.setup';
    if (typeof path !== 'string') refuse(where, 'path', path, "a text: setup('ws-docs', app)");
    if (!isRecordLike(options)) refuse(where, 'options', options, "an object, such as { title: 'Chat' }");
    const { enabled, admin, ...rest } = options;
    if (enabled !== undefined && typeof enabled !== 'boolean')
      refuseOption(where, 'enabled', enabled, 'true or false');
    checkContractOptions(where, app, rest);
    const console = admin === undefined ? undefined : resolveAdmin(admin);
    mountExplorer(path, app, () => createContract(app, rest), enabled, console);
  }
}
